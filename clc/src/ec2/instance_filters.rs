//! What instances can be filtered by: all that EC2 documents and that its clients know. What no
//! instance has here (a VPC, volumes, a spot request) is known by name and has no value: nothing
//! passes it, and that is the truth.

use common::ec2::images::StateReason;
use common::ec2::metadata_options::MetadataView;

use super::filters::Field;
use crate::records::{Association, Instance, TagMap};

/// An instance with what is to be said about it beyond its record.
pub struct Shown {
    /// The record.
    pub instance: Instance,
    /// What is wrong with its node just now.
    pub impaired: Option<String>,
    /// Whether its node answers its guest as its metadata options say.
    pub options_in_force: bool,
    /// The tags that the caller's account wrote on it.
    pub tags: TagMap,
}

/// The table.
pub fn filters() -> Vec<Field<Shown>> {
    let absent = ABSENT.iter().map(|name| -> Field<Shown> { (name, |_| Vec::new()) });
    FILTERS.iter().copied().chain(absent).collect()
}

const FILTERS: &[Field<Shown>] = &[
    ("architecture", |it| vec![it.instance.architecture.clone()]),
    ("availability-zone", |it| vec![it.instance.zone.clone()]),
    ("client-token", |it| it.instance.client_token.iter().cloned().collect()),
    ("dns-name", address),
    ("ebs-optimized", |_| vec!["false".to_owned()]),
    ("group-id", |it| it.instance.groups.clone()),
    ("group-name", |it| it.instance.groups.clone()),
    ("hypervisor", |_| vec!["kvm".to_owned()]),
    ("iam-instance-profile.arn", |it| profile(it, |profile| &profile.arn)),
    ("iam-instance-profile.id", |it| profile(it, |profile| &profile.profile)),
    ("iam-instance-profile.name", |it| profile(it, |profile| &profile.name)),
    ("image-id", |it| vec![it.instance.image.to_string()]),
    ("instance-id", |it| vec![it.instance.id.to_string()]),
    ("instance-state-code", |it| vec![it.instance.seen.ec2().0.to_string()]),
    ("instance-state-name", |it| vec![it.instance.seen.ec2().1.to_owned()]),
    ("instance-type", |it| vec![it.instance.instance_type.clone()]),
    ("instance.group-id", |it| it.instance.groups.clone()),
    ("instance.group-name", |it| it.instance.groups.clone()),
    ("ip-address", address),
    ("kernel-id", |it| it.instance.kernel.iter().map(ToString::to_string).collect()),
    ("key-name", |it| it.instance.key.iter().map(|key| key.name.clone()).collect()),
    ("launch-index", |it| vec![it.instance.index.to_string()]),
    ("launch-time", |it| vec![it.instance.launch_time().iso()]),
    ("metadata-options.http-endpoint", |it| vec![options(it).http_endpoint]),
    ("metadata-options.http-put-response-hop-limit", |it| {
        vec![it.instance.options.hop_limit.to_string()]
    }),
    ("metadata-options.http-tokens", |it| vec![options(it).http_tokens]),
    ("monitoring-state", |_| vec!["disabled".to_owned()]),
    ("owner-id", |it| vec![it.instance.account.to_string()]),
    ("private-dns-name", address),
    ("private-ip-address", address),
    ("product-code", |it| it.instance.product_codes.clone()),
    ("ramdisk-id", |it| it.instance.ramdisk.iter().map(ToString::to_string).collect()),
    ("reason", |it| reason(it).map(|reason| reason.message).into_iter().collect()),
    ("reservation-id", |it| vec![it.instance.reservation.to_string()]),
    ("root-device-name", |it| vec![it.instance.root_device.clone()]),
    ("root-device-type", |_| vec!["instance-store".to_owned()]),
    ("state-reason-code", |it| reason(it).map(|reason| reason.code).into_iter().collect()),
    ("state-reason-message", |it| reason(it).map(|reason| reason.message).into_iter().collect()),
    ("tenancy", |_| vec!["default".to_owned()]),
    ("virtualization-type", |it| vec![it.instance.virtualization().to_owned()]),
];

fn options(it: &Shown) -> MetadataView {
    MetadataView::of(&it.instance.options, it.options_in_force)
}

fn profile(it: &Shown, value: fn(&Association) -> &String) -> Vec<String> {
    it.instance.profile.iter().map(value).cloned().collect()
}

/// What no instance has here.
const ABSENT: &[&str] = &[
    "affinity",
    "association.allocation-id",
    "association.association-id",
    "association.ip-owner-id",
    "association.public-ip",
    "availability-zone-id",
    "block-device-mapping.attach-time",
    "block-device-mapping.delete-on-termination",
    "block-device-mapping.device-name",
    "block-device-mapping.status",
    "block-device-mapping.volume-id",
    "capacity-reservation-id",
    "host-id",
    "instance-lifecycle",
    "ipv6-address",
    "network-interface.addresses.association.allocation-id",
    "network-interface.addresses.association.association-id",
    "network-interface.addresses.association.ip-owner-id",
    "network-interface.addresses.association.public-ip",
    "network-interface.addresses.primary",
    "network-interface.addresses.private-ip-address",
    "network-interface.association.allocation-id",
    "network-interface.association.association-id",
    "network-interface.association.ip-owner-id",
    "network-interface.association.public-ip",
    "network-interface.attachment.attach-time",
    "network-interface.attachment.attachment-id",
    "network-interface.attachment.delete-on-termination",
    "network-interface.attachment.device-index",
    "network-interface.attachment.instance-id",
    "network-interface.attachment.instance-owner-id",
    "network-interface.attachment.status",
    "network-interface.availability-zone",
    "network-interface.description",
    "network-interface.group-id",
    "network-interface.group-name",
    "network-interface.ipv6-addresses.ipv6-address",
    "network-interface.mac-address",
    "network-interface.network-interface-id",
    "network-interface.network-interface.id",
    "network-interface.owner-id",
    "network-interface.private-dns-name",
    "network-interface.private-ip-address",
    "network-interface.requester-id",
    "network-interface.requester-managed",
    "network-interface.source-destination-check",
    "network-interface.status",
    "network-interface.subnet-id",
    "network-interface.vpc-id",
    "outpost-arn",
    "placement-group-name",
    "placement-partition-number",
    "platform",
    "product-code.type",
    "requester-id",
    "source-dest-check",
    "spot-instance-request-id",
    "subnet-id",
    "vpc-id",
];

/// Its one address, as long as it has it.
fn address(it: &Shown) -> Vec<String> {
    it.instance.lives().then(|| it.instance.address.to_string()).into_iter().collect()
}

/// Why an instance is in its state: what is wrong with its node just now goes first.
pub fn reason(it: &Shown) -> Option<StateReason> {
    let of =
        |code: &str, text: &str| StateReason { code: code.to_owned(), message: text.to_owned() };
    let impaired = it.impaired.as_ref().map(|text| of("Server.Impaired", text));
    impaired.or_else(|| it.instance.reason.as_ref().map(|reason| of(&reason.code, &reason.text)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_filter_stands_there_once() {
        let mut names = BTreeSet::new();
        assert!(filters().iter().all(|(name, _)| names.insert(*name)));
    }
}
