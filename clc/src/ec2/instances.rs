//! The state that the instance actions share, and how instances are shown.

use std::collections::BTreeMap;

use actix::Addr;
use common::action::Caller;
use common::dialect::xml::Set;
use common::ec2::instance_profiles::ProfileView;
use common::ec2::instances::{
    Group, Instance as View, Monitoring, Placed, ProductCode, Reservation, State,
};
use common::ec2::metadata_options::MetadataView;
use common::ec2::types::IsoTime;
use common::error::ApiError;
use common::id::InstanceId;
use common::time::Timestamp;
use common::wire::node::InstanceView;
use runtime::clock::Clock;

use super::instance_filters::{Shown, reason};
use super::tokens::Tokens;
use super::{ids, tagging};
use crate::cluster::Cluster;
use crate::reconcile::Wakers;
use crate::records::{Association, Instance, Records, SeenState, TagMap};
use crate::schedule::scheduler::Scheduler;

/// What the instance actions work with.
pub struct Instances {
    /// What lasts.
    pub records: Records,
    /// The time.
    pub clock: Clock,
    /// Finds seats.
    pub scheduler: Addr<Scheduler>,
    /// The nodes, for what they say of their instances.
    pub cluster: Cluster,
    /// Whom to wake when a wish has changed.
    pub wakers: Wakers,
    /// The zones there are.
    pub zones: Vec<String>,
    /// The client tokens that are being worked on.
    pub tokens: Tokens,
}

/// What is wrong with the node of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It is no longer configured.
    Unconfigured,
    /// It has not answered since then, or never.
    Away(Option<Timestamp>),
    /// It answers, but does not know the instance since then.
    Missing(Timestamp),
}

impl Trouble {
    fn told(self, node: &str) -> String {
        match self {
            Self::Unconfigured => format!("The node {node} is no longer configured"),
            Self::Away(Some(at)) => format!("The node {node} has not answered since {}", at.iso()),
            Self::Away(None) => format!("The node {node} has not answered yet"),
            Self::Missing(_) => format!("The node {node} does not know it"),
        }
    }
}

impl Instances {
    /// Adds to an instance its tags and what is wrong with its node just now. A node that is away
    /// does not make its instances end: they are shown impaired.
    pub fn show(&self, instance: Instance, tags: TagMap) -> Shown {
        let impaired = self.trouble(&instance).map(|trouble| trouble.told(&instance.node));
        let seen = self.cluster.member(&instance.node).map(|member| member.sighting());
        let view = seen.as_ref().and_then(|seen| seen.of(&instance.id));
        let options_in_force = in_force(&instance, view);
        Shown { instance, impaired, options_in_force, tags }
    }

    /// What is wrong with an instance's node just now, or between the two.
    pub fn trouble(&self, instance: &Instance) -> Option<Trouble> {
        if !instance.lives() {
            return None;
        }
        let Some(member) = self.cluster.member(&instance.node) else {
            return Some(Trouble::Unconfigured);
        };
        let seen = member.sighting();
        match seen.is_reachable(self.clock.now()) {
            true => instance.missing_since.map(Trouble::Missing),
            false => Some(Trouble::Away(seen.answered)),
        }
    }
}

/// Whether a node answers an instance as its record says. A launch takes its options along.
pub fn in_force(instance: &Instance, view: Option<&InstanceView>) -> bool {
    instance.options.revision <= view.map_or(0, |view| view.options)
}

/// The instances of these ids, of which the caller must be owner or an administrator. Blocks.
///
/// # Errors
/// `InvalidInstanceID.NotFound`, naming those that are not there.
pub fn named(
    records: &Records,
    ids: &[InstanceId],
    caller: &Caller,
) -> Result<Vec<store::Seen<Instance>>, ApiError> {
    let (mut found, mut absent) = (Vec::new(), Vec::new());
    for id in ids {
        match records.instances.get(id.as_str())? {
            Some(seen) if caller.may_change(&seen.account) => found.push(seen),
            _ => absent.push(id.clone()),
        }
    }
    if absent.is_empty() { Ok(found) } else { Err(ids::no_instances(&absent)) }
}

/// Instances grouped by the launch they came from, oldest launch first.
pub fn reservations(shown: Vec<Shown>) -> Vec<Reservation> {
    let mut launches: BTreeMap<_, Vec<Shown>> = BTreeMap::new();
    for it in shown {
        let key = (it.instance.launched, it.instance.reservation.clone());
        launches.entry(key).or_default().push(it);
    }
    let one = |((_, id), mut shown): (_, Vec<Shown>)| {
        shown.sort_by_key(|it| it.instance.index);
        let first = shown.first().map(|it| &it.instance);
        Reservation {
            reservation_id: id,
            owner_id: first.map(|it| it.account.to_string()).unwrap_or_default(),
            group_set: first.map(|it| groups(&it.groups)).unwrap_or_default(),
            instances_set: shown.iter().map(view).collect(),
        }
    };
    launches.into_iter().map(one).collect()
}

/// Security groups as they are shown; their ids come with the groups themselves.
pub fn groups(names: &[String]) -> Set<Group> {
    names.iter().map(|name| Group { group_id: name.clone(), group_name: name.clone() }).collect()
}

/// A state as EC2 shows it.
pub fn state(seen: SeenState) -> State {
    let (code, name) = seen.ec2();
    State { code, name: name.to_owned() }
}

/// An instance profile as instances show it.
pub fn profile(association: &Association) -> ProfileView {
    ProfileView { arn: association.arn.clone(), id: association.profile.clone() }
}

/// Who changed an instance's state, and when, as clients know that sentence.
pub fn by_user(now: Timestamp) -> String {
    let iso = now.iso();
    let seconds = iso.split('.').next().unwrap_or(&iso).replace('T', " ");
    format!("User initiated ({seconds} GMT)")
}

fn view(it: &Shown) -> View {
    let instance = &it.instance;
    let address = instance.address.to_string();
    let alive = instance.lives();
    let state_reason = reason(it);
    View {
        instance_id: instance.id.clone(),
        image_id: instance.image.to_string(),
        instance_state: state(instance.seen),
        private_dns_name: if alive { address.clone() } else { String::new() },
        dns_name: if alive { address.clone() } else { String::new() },
        reason: match (&it.impaired, &instance.transition) {
            (None, Some(transition)) => Some(transition.clone()),
            _ => state_reason.as_ref().map(|reason| reason.message.clone()),
        },
        key_name: instance.key.as_ref().map(|key| key.name.clone()),
        ami_launch_index: instance.index,
        product_codes: instance
            .product_codes
            .iter()
            .map(|code| ProductCode { product_code: code.clone() })
            .collect(),
        instance_type: instance.instance_type.clone(),
        launch_time: IsoTime(instance.launch_time()),
        placement: Placed {
            availability_zone: instance.zone.clone(),
            tenancy: "default".to_owned(),
        },
        kernel_id: instance.kernel.as_ref().map(ToString::to_string),
        ramdisk_id: instance.ramdisk.as_ref().map(ToString::to_string),
        monitoring: Monitoring { state: "disabled".to_owned() },
        private_ip_address: alive.then(|| address.clone()),
        ip_address: alive.then_some(address),
        state_reason,
        architecture: instance.architecture.clone(),
        root_device_type: "instance-store".to_owned(),
        root_device_name: instance.root_device.clone(),
        block_device_mapping: Set::default(),
        virtualization_type: instance.virtualization().to_owned(),
        client_token: instance.client_token.clone(),
        hypervisor: "kvm".to_owned(),
        iam_instance_profile: instance.profile.as_ref().map(profile),
        metadata_options: Some(MetadataView::of(&instance.options, it.options_in_force)),
        group_set: groups(&instance.groups),
        tag_set: tagging::shown(&it.tags),
    }
}
