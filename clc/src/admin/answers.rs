//! What the internal listener answers: what changes of identity, whose certificates these are, and
//! which images are registered (asked by walrus, which also tells when keys were used), and what
//! `clc admin` asks. Nothing here lives, so no actor stands between a message and the
//! records.

use actix::Addr;
use common::wire::admin::{
    AddUser, Admin, ChangeSetting, DescribeSettings, DescribeUsers, EnableUser, GetCredentials,
};
use common::wire::identity::{
    FindAccessKey, FindCertificates, FollowIdentity, Identity, NoteKeyUse,
};
use common::wire::quota::{ChangeQuota, ListQuotas};
use common::wire::upkeep::ListRegistered;
use common::wire::walrus::Walrus;
use runtime::actor::ServiceActor;
use runtime::clock::Clock;
use runtime::dispatcher::Dispatcher;
use runtime::peer::Peer;
use runtime::shutdown::Shutdown;

use super::paths::Paths;
use super::{people, quotas, registered, steering};
use crate::identity::credentials::Endpoints;
use crate::identity::key_uses::KeyUses;
use crate::identity::{accounts, feed};
use crate::people::People;
use crate::reconcile::Wakers;
use crate::records::Records;
use crate::settings;

/// Answers who is who.
pub fn identity(records: &Records, uses: &KeyUses, shutdown: &Shutdown) -> Dispatcher<Identity> {
    let (uses, shutdown) = (uses.clone(), shutdown.clone());
    let [followed, holders, certificates, images] = std::array::from_fn(|_| records.clone());
    Dispatcher::new()
        .with(move |ask: FollowIdentity| {
            let (records, shutdown) = (followed.clone(), shutdown.clone());
            async move { feed::follow(&records, ask, &shutdown).await }
        })
        .with(move |ask: FindAccessKey| {
            let records = holders.clone();
            async move { records.work(move |r| accounts::holder(r, &ask.id)).await }
        })
        .with(move |ask: FindCertificates| {
            let records = certificates.clone();
            async move { records.work(move |r| accounts::certificates(r, &ask.account)).await }
        })
        .with(move |ask: NoteKeyUse| {
            uses.told(&ask.uses);
            async { Ok(()) }
        })
        .with(move |ask: ListRegistered| {
            let records = images.clone();
            async move { records.work(move |r| registered::page(r, &ask)).await }
        })
}

/// What administration needs.
#[derive(Clone)]
pub struct Administration {
    /// What lasts.
    pub records: Records,
    /// What stands in credentials.
    pub endpoints: Endpoints,
    /// The time.
    pub clock: Clock,
    /// Whom to wake when a setting has changed.
    pub wakers: Wakers,
    /// Where quotas are kept.
    pub walrus: Peer<Walrus>,
    /// Whoever knows people.
    pub people: People,
    /// Whoever administers the cloud for those who ask from elsewhere.
    pub paths: Addr<ServiceActor<Paths>>,
}

impl Administration {
    /// Answers administration.
    pub fn dispatcher(self) -> Dispatcher<Admin> {
        let [add, renew, users, enable, list, change, limit, limits] =
            std::array::from_fn(|_| self.clone());
        let it = people::administration(Dispatcher::new(), &self.people, &self.walrus);
        steering::answer_on(it, &self.paths)
            .with(move |ask: AddUser| {
                let Self { records, endpoints, clock, .. } = add.clone();
                let now = clock.now();
                async move {
                    records.work(move |r| accounts::register(r, &endpoints.now(r)?, &ask.name, now)).await
                }
            })
            .with(move |ask: GetCredentials| {
                let Self { records, endpoints, clock, .. } = renew.clone();
                let now = clock.now();
                async move {
                    records.work(move |r| accounts::renew(r, &endpoints.now(r)?, &ask.name, now)).await
                }
            })
            .with(move |_: DescribeUsers| {
                let records = users.records.clone();
                async move { records.work(accounts::list).await }
            })
            .with(move |ask: EnableUser| {
                let records = enable.records.clone();
                async move {
                    records.work(move |r| accounts::enable(r, &ask.name, ask.enabled)).await
                }
            })
            .with(move |_: DescribeSettings| {
                let records = list.records.clone();
                async move { records.work(settings::list).await }
            })
            .with(move |ask: ChangeQuota| {
                let Self { records, walrus, .. } = limit.clone();
                async move { quotas::change(&records, &walrus, ask).await }
            })
            .with(move |ask: ListQuotas| {
                let Self { records, walrus, .. } = limits.clone();
                async move { quotas::list(&records, &walrus, ask).await }
            })
            .with(move |ask: ChangeSetting| {
                let Self { records, wakers, .. } = change.clone();
                async move {
                    let done =
                        records.work(move |r| settings::change(r, &ask.name, &ask.value)).await;
                    wakers.walrus.wake();
                    done
                }
            })
    }
}
