//! What the administration paths answer, `/services/Accounts` and its kin: the functions that
//! `clc admin` and the console have, for administrators with their keys, in the protocol that 2.0's
//! own tools speak. One file a family, as in `common::administration`.
//!
//! Only users of the cloud's own account are let in, by construction: the front asks before it
//! looks at the action. What each of them may do beyond that is said by their policies
//! (`eucalypt:AddUser`).

mod administrators;
mod cache;
mod configuration;
mod credentials;
mod groups;
mod nodes;
mod properties;
mod services;
mod types;
mod users;

use std::sync::Arc;

use actix::Addr;
use common::administration::VERSION;
use common::administration::accounts::{AddUser, DeleteUser, DescribeUsers, EnableUser};
use common::administration::cache::{DescribeImageCache, EvictImages};
use common::administration::configuration::{
    DeregisterCluster, DeregisterStorageController, DeregisterWalrus, DescribeClusters,
    DescribeComponents, DescribeNodes, DescribeStorageControllers, DescribeWalruses, GiveUpNode,
    ModifyNode, RegisterCluster, RegisterStorageController, RegisterWalrus,
};
use common::administration::credentials::GetCredentials;
use common::administration::groups::{
    AddGroup, AddGroupMember, DeleteGroup, DescribeGroups, GrantGroupAuthorization,
    RemoveGroupMember, RevokeGroupAuthorization,
};
use common::administration::properties::{
    DescribeProperties, ModifyPropertyValue, ModifyPropertyValues, ResetPropertyValue,
};
use common::administration::services::{DescribeServices, Services};
use common::administration::types::ModifyInstanceTypes;
use common::dialect::xml::Shape;
use common::time::Timestamp;
use common::wire::walrus::Walrus;
use runtime::actor::ServiceActor;
use runtime::host::Host;
use runtime::peer::Peer;
use runtime::router::Router;
use runtime::service::QueryService;
use tokio::sync::watch;

use crate::cluster::Cluster;
use crate::people::People;
use crate::schedule::ledger::Room;
use crate::schedule::scheduler::Scheduler;

/// How many actions of administration are done at once.
const PERMITS: usize = 16;

/// What administration works with.
pub struct Paths {
    /// People, and the records.
    pub people: People,
    /// Walrus, which knows who owns buckets.
    pub walrus: Peer<Walrus>,
    /// Where clients reach walrus.
    pub walrus_url: String,
    /// The nodes.
    pub cluster: Cluster,
    /// Who places instances.
    pub scheduler: Addr<Scheduler>,
    /// What is free on each node.
    pub rooms: watch::Receiver<Arc<Vec<Room>>>,
    /// The clc itself and its host.
    pub host: Host,
    /// How the services were seen last.
    pub seen: tokio::sync::Mutex<Option<(Timestamp, Services)>>,
}

/// Starts the actor that does it all.
pub fn start(paths: Paths) -> Addr<ServiceActor<Paths>> {
    ServiceActor::start(Arc::new(paths), PERMITS)
}

/// The service behind the paths.
pub fn service(actor: &Addr<ServiceActor<Paths>>) -> QueryService {
    let router = Router::new()
        .on::<AddGroup, _>(actor)
        .on::<AddGroupMember, _>(actor)
        .on::<AddUser, _>(actor)
        .on::<DeleteGroup, _>(actor)
        .on::<DeleteUser, _>(actor)
        .on::<DeregisterCluster, _>(actor)
        .on::<DeregisterStorageController, _>(actor)
        .on::<DeregisterWalrus, _>(actor)
        .on::<DescribeClusters, _>(actor)
        .on::<DescribeComponents, _>(actor)
        .on::<DescribeGroups, _>(actor)
        .on::<DescribeImageCache, _>(actor)
        .on::<DescribeNodes, _>(actor)
        .on::<DescribeProperties, _>(actor)
        .on::<DescribeServices, _>(actor)
        .on::<DescribeStorageControllers, _>(actor)
        .on::<DescribeUsers, _>(actor)
        .on::<DescribeWalruses, _>(actor)
        .on::<EnableUser, _>(actor)
        .on::<EvictImages, _>(actor)
        .on::<GetCredentials, _>(actor)
        .on::<GiveUpNode, _>(actor)
        .on::<GrantGroupAuthorization, _>(actor)
        .on::<ModifyInstanceTypes, _>(actor)
        .on::<ModifyNode, _>(actor)
        .on::<ModifyPropertyValue, _>(actor)
        .on::<ModifyPropertyValues, _>(actor)
        .on::<RegisterCluster, _>(actor)
        .on::<RegisterStorageController, _>(actor)
        .on::<RegisterWalrus, _>(actor)
        .on::<RemoveGroupMember, _>(actor)
        .on::<ResetPropertyValue, _>(actor)
        .on::<RevokeGroupAuthorization, _>(actor);
    QueryService {
        paths: &["/services/accounts", "/services/configuration", "/services/properties"],
        versions: &[VERSION],
        prefix: "eucalypt",
        scopes: &["bootstrap"],
        shape: Shape::Eucalyptus,
        router,
        administrators: true,
        instead: "",
    }
}
