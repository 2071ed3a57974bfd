//! The state that the instance actions share, how instances are shown, and DescribeInstances.

use std::collections::BTreeMap;

use actix::Addr;
use common::action::Caller;
use common::dialect::xml::Set;
use common::ec2::images::StateReason;
use common::ec2::instances::{
    DescribeInstances, Group, Instance as View, Monitoring, Placed, ProductCode, Reservation,
    Reservations, State,
};
use common::ec2::metadata_options::MetadataView;
use common::ec2::types::IsoTime;
use common::error::ApiError;
use common::id::{AccountId, InstanceId};
use common::wire::node::InstanceView;
use runtime::actor::{Answer, Scene};
use runtime::clock::Clock;
use store::After;

use super::filters::{Field, Filters};
use super::ids;
use super::tokens::Tokens;
use crate::cluster::Cluster;
use crate::reconcile::Wakers;
use crate::records::{Instance, Records, SeenState};
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

/// An instance with what is to be said about it beyond its record.
pub struct Shown {
    /// The record.
    pub instance: Instance,
    /// What is wrong with its node just now.
    pub impaired: Option<String>,
    /// Whether its node answers its guest as its metadata options say.
    pub options_in_force: bool,
}

const FILTERS: &[Field<Shown>] = &[
    ("architecture", |it| vec![it.instance.architecture.clone()]),
    ("availability-zone", |it| vec![it.instance.zone.clone()]),
    ("client-token", |it| it.instance.client_token.iter().cloned().collect()),
    ("dns-name", |it| vec![it.instance.address.to_string()]),
    ("group-id", |it| it.instance.groups.clone()),
    ("group-name", |it| it.instance.groups.clone()),
    ("hypervisor", |_| vec!["kvm".to_owned()]),
    ("image-id", |it| vec![it.instance.image.to_string()]),
    ("instance-id", |it| vec![it.instance.id.to_string()]),
    ("instance-state-code", |it| vec![it.instance.seen.ec2().0.to_string()]),
    ("instance-state-name", |it| vec![it.instance.seen.ec2().1.to_owned()]),
    ("instance-type", |it| vec![it.instance.instance_type.clone()]),
    ("instance.group-id", |it| it.instance.groups.clone()),
    ("instance.group-name", |it| it.instance.groups.clone()),
    ("ip-address", |it| vec![it.instance.address.to_string()]),
    ("kernel-id", |it| it.instance.kernel.iter().map(ToString::to_string).collect()),
    ("key-name", |it| it.instance.key.iter().map(|key| key.name.clone()).collect()),
    ("launch-index", |it| vec![it.instance.index.to_string()]),
    ("launch-time", |it| vec![it.instance.launched.iso()]),
    ("monitoring-state", |_| vec!["disabled".to_owned()]),
    ("owner-id", |it| vec![it.instance.account.to_string()]),
    ("private-dns-name", |it| vec![it.instance.address.to_string()]),
    ("private-ip-address", |it| vec![it.instance.address.to_string()]),
    ("product-code", |it| it.instance.product_codes.clone()),
    ("ramdisk-id", |it| it.instance.ramdisk.iter().map(ToString::to_string).collect()),
    ("reservation-id", |it| vec![it.instance.reservation.to_string()]),
    ("root-device-name", |it| vec![it.instance.root_device.clone()]),
    ("root-device-type", |_| vec!["instance-store".to_owned()]),
    ("state-reason-code", |it| reason(it).map(|reason| reason.code).into_iter().collect()),
    ("tenancy", |_| vec!["default".to_owned()]),
    ("virtualization-type", |it| vec![virtualization(&it.instance).to_owned()]),
];

impl Instances {
    /// Adds to an instance what is wrong with its node just now. A node that is away does not
    /// make its instances end: they are shown impaired.
    pub fn show(&self, instance: Instance) -> Shown {
        let impaired = match self.cluster.member(&instance.node) {
            _ if !instance.lives() => None,
            None => Some(format!("The node {} is no longer configured", instance.node)),
            Some(member) => {
                let seen = member.sighting();
                let name = &instance.node;
                if seen.is_reachable(self.clock.now()) {
                    instance.missing_since.map(|_| format!("The node {name} does not know it"))
                } else if let Some(at) = seen.answered {
                    Some(format!("The node {name} has not answered since {}", at.iso()))
                } else {
                    Some(format!("The node {name} has not answered yet"))
                }
            }
        };
        let seen = self.cluster.member(&instance.node).map(|member| member.sighting());
        let view = seen.as_ref().and_then(|seen| seen.of(&instance.id));
        let options_in_force = in_force(&instance, view);
        Shown { instance, impaired, options_in_force }
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

impl Answer<Instances> for DescribeInstances {
    async fn answer(self, scene: &Scene<Instances>) -> Result<Reservations, ApiError> {
        let caller = scene.caller.clone();
        let filters = Filters::new(&self.filter, FILTERS)?;
        // The one id `verbose` shows an administrator everybody's, as in 2.0's line.
        let verbose =
            caller.administrator && matches!(self.instance_id.as_slice(), [id] if id == "verbose");
        let mut wanted = Vec::new();
        if !verbose {
            for text in &self.instance_id {
                wanted.push(ids::instance(text)?);
            }
            wanted.sort();
            wanted.dedup();
        }
        let found = scene
            .records
            .work(move |records| {
                if verbose {
                    let all = records.instances.all("").collect::<Result<Vec<_>, _>>()?;
                    return Ok(all.into_iter().map(|seen| seen.record).collect());
                }
                if wanted.is_empty() {
                    return of_account(records, &caller.account);
                }
                let found = named(records, &wanted, &caller)?;
                Ok(found.into_iter().map(|seen| seen.record).collect())
            })
            .await?;
        let mut shown: Vec<_> = found.into_iter().map(|it| scene.show(it)).collect();
        shown.retain(|it| filters.admit(it));
        Ok(Reservations { reservation_set: reservations(shown).into() })
    }
}

fn of_account(records: &Records, account: &AccountId) -> Result<Vec<Instance>, ApiError> {
    let mut found = Vec::new();
    let prefix = format!("{account}/");
    for row in records.instances_of.scan(&prefix, After::Start, usize::MAX)? {
        found.extend(records.instances.get(&row.value)?.map(|seen| seen.record));
    }
    Ok(found)
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

fn reason(it: &Shown) -> Option<StateReason> {
    let of =
        |code: &str, text: &str| StateReason { code: code.to_owned(), message: text.to_owned() };
    let impaired = it.impaired.as_ref().map(|text| of("Server.Impaired", text));
    impaired.or_else(|| it.instance.reason.as_ref().map(|reason| of(&reason.code, &reason.text)))
}

/// A kernel from outside, or a disk that boots by itself.
fn virtualization(instance: &Instance) -> &'static str {
    if instance.kernel.is_some() { "paravirtual" } else { "hvm" }
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
        reason: state_reason.as_ref().map(|reason| reason.message.clone()),
        key_name: instance.key.as_ref().map(|key| key.name.clone()),
        ami_launch_index: instance.index,
        product_codes: instance
            .product_codes
            .iter()
            .map(|code| ProductCode { product_code: code.clone() })
            .collect(),
        instance_type: instance.instance_type.clone(),
        launch_time: IsoTime(instance.launched),
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
        virtualization_type: virtualization(instance).to_owned(),
        client_token: instance.client_token.clone(),
        hypervisor: "kvm".to_owned(),
        metadata_options: Some(MetadataView::of(&instance.options, it.options_in_force)),
        group_set: groups(&instance.groups),
    }
}
