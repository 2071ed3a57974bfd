//! Single attributes of instances: read, changed, set back.
//!
//! A change is sent in one of two ways: `Attribute=kernel&Value=eki-1`, as 2.0's clients and boto
//! do, or `Kernel.Value=eki-1`. Both are read here into one.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::instances::{Group, MappedVolume};
use super::subjects;
use super::types::Done;
use crate::actions;
use crate::dialect::xml::Set;
use crate::id::InstanceId;

/// Reads one attribute of an instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeInstanceAttribute {
    /// Which instance.
    pub instance_id: String,
    /// Which attribute, `userData`.
    pub attribute: String,
}

/// What DescribeInstanceAttribute answers: the one that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceAttribute {
    /// Which instance.
    pub instance_id: InstanceId,
    /// Its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<Text>,
    /// The kernel it boots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<Text>,
    /// The ramdisk it boots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramdisk: Option<Text>,
    /// What it was given along, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_data: Option<Text>,
    /// Whether TerminateInstances is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_api_termination: Option<Flag>,
    /// Whether StopInstances is refused; it never is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_api_stop: Option<Flag>,
    /// `stop` or `terminate`: what happens when its guest switches it off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_initiated_shutdown_behavior: Option<Text>,
    /// Its root device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_device_name: Option<Text>,
    /// Its disks beside the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_device_mapping: Option<Set<MappedVolume>>,
    /// Its product codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_codes: Option<Set<super::instances::ProductCode>>,
    /// Its security groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_set: Option<Set<Group>>,
    /// Whether it sends under no address but its own; it cannot be otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_dest_check: Option<Flag>,
    /// Whether its disk has a network of its own; it never has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ebs_optimized: Option<Flag>,
}

impl InstanceAttribute {
    /// Of this instance, with nothing in it yet.
    pub fn of(instance_id: InstanceId) -> Self {
        Self {
            instance_id,
            instance_type: None,
            kernel: None,
            ramdisk: None,
            user_data: None,
            disable_api_termination: None,
            disable_api_stop: None,
            instance_initiated_shutdown_behavior: None,
            root_device_name: None,
            block_device_mapping: None,
            product_codes: None,
            group_set: None,
            source_dest_check: None,
            ebs_optimized: None,
        }
    }
}

/// The text of an attribute; absent if it has none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Text {
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Text {
    /// An attribute with that text, or none.
    pub fn of(value: Option<impl Into<String>>) -> Option<Self> {
        Some(Self { value: value.map(Into::into) })
    }
}

/// A yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    /// Which of them.
    pub value: bool,
}

impl Flag {
    /// An attribute that says this.
    pub fn of(value: bool) -> Option<Self> {
        Some(Self { value })
    }
}

/// Changes one attribute of an instance.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", from = "SentChange")]
pub struct ModifyInstanceAttribute {
    /// Which instance.
    pub instance_id: String,
    /// Which attribute, as [`DescribeInstanceAttribute`] names it.
    pub attribute: Option<String>,
    /// What it becomes.
    pub value: Option<String>,
    /// How many attributes were sent.
    #[serde(skip)]
    pub sent: usize,
}

/// What an attribute becomes may be a secret.
impl std::fmt::Debug for ModifyInstanceAttribute {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { instance_id, attribute, .. } = self;
        write!(out, "ModifyInstanceAttribute {{ {instance_id}, {attribute:?} }}")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SentChange {
    #[serde(default)]
    instance_id: String,
    #[serde(default)]
    attribute: Option<String>,
    // User data and the ramdisk are taken away by an empty value.
    #[serde(default, rename = "Value?")]
    value: Option<String>,
    #[serde(default)]
    instance_type: Option<Sent>,
    #[serde(default)]
    kernel: Option<Sent>,
    #[serde(default, rename = "Ramdisk?")]
    ramdisk: Option<Sent>,
    #[serde(default, rename = "UserData?")]
    user_data: Option<Sent>,
    #[serde(default)]
    disable_api_termination: Option<Sent>,
    #[serde(default)]
    disable_api_stop: Option<Sent>,
    #[serde(default)]
    instance_initiated_shutdown_behavior: Option<Sent>,
    #[serde(default)]
    source_dest_check: Option<Sent>,
    #[serde(default)]
    ebs_optimized: Option<Sent>,
    #[serde(default)]
    ena_support: Option<Sent>,
    #[serde(default)]
    sriov_net_support: Option<Sent>,
    #[serde(default)]
    group_id: Option<IgnoredAny>,
    #[serde(default)]
    block_device_mapping: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Sent {
    #[serde(default, rename = "Value?")]
    value: String,
}

impl From<SentChange> for ModifyInstanceAttribute {
    fn from(sent: SentChange) -> Self {
        let there = |value: Option<IgnoredAny>| value.map(|_| Sent { value: String::new() });
        let rows = [
            ("instanceType", sent.instance_type),
            ("kernel", sent.kernel),
            ("ramdisk", sent.ramdisk),
            ("userData", sent.user_data),
            ("disableApiTermination", sent.disable_api_termination),
            ("disableApiStop", sent.disable_api_stop),
            ("instanceInitiatedShutdownBehavior", sent.instance_initiated_shutdown_behavior),
            ("sourceDestCheck", sent.source_dest_check),
            ("ebsOptimized", sent.ebs_optimized),
            ("enaSupport", sent.ena_support),
            ("sriovNetSupport", sent.sriov_net_support),
            ("groupSet", there(sent.group_id)),
            ("blockDeviceMapping", there(sent.block_device_mapping)),
        ];
        let given = rows.into_iter().filter_map(|(name, it)| Some((name.to_owned(), it?.value)));
        let mut all: Vec<_> = given.map(|(name, value)| (name, Some(value))).collect();
        all.extend(sent.attribute.map(|name| (name, sent.value)));
        let count = all.len();
        let first = all.into_iter().next();
        let (attribute, value) = first.map_or((None, None), |(name, value)| (Some(name), value));
        Self { instance_id: sent.instance_id, attribute, value, sent: count }
    }
}

/// Sets one attribute of an instance back to what it would be by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResetInstanceAttribute {
    /// Which instance.
    pub instance_id: String,
    /// Which attribute: `kernel`, `ramdisk` or `sourceDestCheck`.
    pub attribute: String,
}

actions! {
    DescribeInstanceAttribute => InstanceAttribute, Read, |it| {
        subjects::instance(&it.instance_id).when(subjects::attribute(Some(&it.attribute), None))
    };
    ModifyInstanceAttribute => Done, Write, |it| {
        let changed = subjects::attribute(it.attribute.as_deref(), it.value.as_deref());
        subjects::instance(&it.instance_id).when(changed)
    };
    ResetInstanceAttribute => Done, Write, |it| {
        subjects::instance(&it.instance_id).when(subjects::attribute(Some(&it.attribute), None))
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::query::Node;

    #[test]
    fn a_change_is_read_in_both_of_its_forms() {
        for (pairs, expected) in [
            (&[("Attribute", "kernel"), ("Value", "eki-1")][..], ("kernel", Some("eki-1"), 1)),
            (&[("Kernel.Value", "eki-1")], ("kernel", Some("eki-1"), 1)),
            (
                &[("DisableApiTermination.Value", "true")],
                ("disableApiTermination", Some("true"), 1),
            ),
            (&[("UserData.Value", "")], ("userData", Some(""), 1)),
            (&[("Attribute", "ramdisk"), ("Value", "")], ("ramdisk", Some(""), 1)),
            (&[("GroupId.1", "sg-1")], ("groupSet", Some(""), 1)),
            (&[("Kernel.Value", "a"), ("Ramdisk.Value", "b")], ("kernel", Some("a"), 2)),
        ] {
            let all = [("InstanceId", "i-1")].into_iter().chain(pairs.iter().copied());
            let read: ModifyInstanceAttribute = Node::from_pairs(all).unwrap().decode().unwrap();
            let seen = (read.attribute.as_deref().unwrap(), read.value.as_deref(), read.sent);
            assert_eq!(seen, expected);
            assert_eq!(read.instance_id, "i-1");
        }
    }
}
