//! What the cloud is made of. It is described here and said in the configuration of the clc: what
//! would register a component by a call is understood and refused.

use serde::{Deserialize, Serialize};

use super::elements::{Done, Entries, Items, Members, told};
use crate::actions;

/// Declares a question for components, by their names.
macro_rules! question {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, Serialize, Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub struct $name {
            /// These only; all if there is none.
            #[serde(default)]
            pub name: Vec<String>,
        }
    };
}

/// Declares what would add or remove a component.
macro_rules! registration {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, Serialize, Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub struct $name {
            /// Its name.
            #[serde(default)]
            pub name: Option<String>,
            /// Its host.
            #[serde(default)]
            pub host: Option<String>,
            /// Its port.
            #[serde(default)]
            pub port: Option<u16>,
        }
    };
}

question! {
    /// Lists what 2.0 calls clusters: the availability zones.
    DescribeClusters
}
question! {
    /// Lists where objects are kept.
    DescribeWalruses
}
question! {
    /// Lists storage controllers, of which there are none.
    DescribeStorageControllers
}
question! {
    /// Lists all components.
    DescribeComponents
}
question! {
    /// Lists the nodes, with what runs on them.
    DescribeNodes
}

/// Components.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Components {
    /// The components.
    #[serde(
        rename(serialize = "euca:registered", deserialize = "registered"),
        alias = "euca:registered",
        default
    )]
    pub registered: Items<Component>,
}

/// A component.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// What it is: `cluster`, `walrus`, `node`.
    #[serde(rename(serialize = "euca:type", deserialize = "type"), alias = "euca:type", default)]
    pub kind: String,
    /// Its zone, if it is in one.
    #[serde(
        rename(serialize = "euca:partition", deserialize = "partition"),
        alias = "euca:partition",
        default,
        skip_serializing_if = "String::is_empty"
    )]
    pub partition: String,
    /// Its name.
    #[serde(rename(serialize = "euca:name", deserialize = "name"), alias = "euca:name")]
    pub name: String,
    /// Its host.
    #[serde(
        rename(serialize = "euca:detail", deserialize = "detail"),
        alias = "euca:detail",
        default
    )]
    pub detail: String,
    /// `ENABLED`, or `NOTREADY` if it has not answered lately.
    #[serde(
        rename(serialize = "euca:state", deserialize = "state"),
        alias = "euca:state",
        default
    )]
    pub state: String,
}

/// Nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nodes {
    /// The nodes.
    #[serde(
        rename(serialize = "euca:registered", deserialize = "registered"),
        alias = "euca:registered",
        default
    )]
    pub registered: Items<Node>,
}

/// A node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name.
    #[serde(rename(serialize = "euca:name", deserialize = "name"), alias = "euca:name")]
    pub name: String,
    /// Its zone.
    #[serde(
        rename(serialize = "euca:clusterName", deserialize = "clusterName"),
        alias = "euca:clusterName"
    )]
    pub cluster_name: String,
    /// `ENABLED`, or `NOTREADY` if it has not answered lately.
    #[serde(
        rename(serialize = "euca:state", deserialize = "state"),
        alias = "euca:state",
        default
    )]
    pub state: String,
    /// The ids of its instances.
    #[serde(
        rename(serialize = "euca:instances", deserialize = "instances"),
        alias = "euca:instances",
        default
    )]
    pub instances: Entries,
    /// Where it answers.
    #[serde(
        rename(serialize = "euca:address", deserialize = "address"),
        alias = "euca:address",
        default
    )]
    pub address: String,
    /// `draining` or `given-up`, if an administrator has said so.
    #[serde(rename(serialize = "euca:rule", deserialize = "rule"), alias = "euca:rule", default)]
    pub rule: String,
    /// Since when.
    #[serde(
        rename(serialize = "euca:ruleSince", deserialize = "ruleSince"),
        alias = "euca:ruleSince",
        default
    )]
    pub rule_since: String,
    /// Who has said so.
    #[serde(
        rename(serialize = "euca:ruleBy", deserialize = "ruleBy"),
        alias = "euca:ruleBy",
        default
    )]
    pub rule_by: String,
    /// What runs its guests: `qemu kvm`, `qemu tcg`, `sim`.
    #[serde(
        rename(serialize = "euca:hypervisor", deserialize = "hypervisor"),
        alias = "euca:hypervisor",
        default
    )]
    pub hypervisor: String,
    /// The version of its agent.
    #[serde(
        rename(serialize = "euca:version", deserialize = "version"),
        alias = "euca:version",
        default
    )]
    pub version: String,
    /// Its architecture.
    #[serde(
        rename(serialize = "euca:architecture", deserialize = "architecture"),
        alias = "euca:architecture",
        default
    )]
    pub architecture: String,
    /// When its agent was started.
    #[serde(
        rename(serialize = "euca:started", deserialize = "started"),
        alias = "euca:started",
        default
    )]
    pub started: String,
    /// When it last answered.
    #[serde(
        rename(serialize = "euca:lastHeard", deserialize = "lastHeard"),
        alias = "euca:lastHeard",
        default
    )]
    pub last_heard: String,
    /// Why it does not answer.
    #[serde(
        rename(serialize = "euca:problem", deserialize = "problem"),
        alias = "euca:problem",
        default
    )]
    pub problem: String,
    /// Virtual processors that it has.
    #[serde(rename(serialize = "euca:cpus", deserialize = "cpus"), alias = "euca:cpus", default)]
    pub cpus: u64,
    /// Those that are not promised.
    #[serde(
        rename(serialize = "euca:freeCpus", deserialize = "freeCpus"),
        alias = "euca:freeCpus",
        default
    )]
    pub free_cpus: u64,
    /// Memory that it has, in MiB.
    #[serde(
        rename(serialize = "euca:memory", deserialize = "memory"),
        alias = "euca:memory",
        default
    )]
    pub memory: u64,
    /// What is not promised of it.
    #[serde(
        rename(serialize = "euca:freeMemory", deserialize = "freeMemory"),
        alias = "euca:freeMemory",
        default
    )]
    pub free_memory: u64,
    /// Disk that it has, in MiB.
    #[serde(rename(serialize = "euca:disk", deserialize = "disk"), alias = "euca:disk", default)]
    pub disk: u64,
    /// What is not promised of it.
    #[serde(
        rename(serialize = "euca:freeDisk", deserialize = "freeDisk"),
        alias = "euca:freeDisk",
        default
    )]
    pub free_disk: u64,
    /// Addresses that are free.
    #[serde(
        rename(serialize = "euca:freeAddresses", deserialize = "freeAddresses"),
        alias = "euca:freeAddresses",
        default
    )]
    pub free_addresses: u64,
    /// How many instances of each type fit now, and if it were empty.
    #[serde(rename(serialize = "euca:fits", deserialize = "fits"), alias = "euca:fits", default)]
    pub fits: Members<Fit>,
}

told! {
    /// How many instances of a type fit.
    Fit {
        /// The type.
        instance_type: String = "euca:instanceType", "instanceType";
        /// How many more fit now.
        free: u64 = "euca:free", "free";
        /// How many would fit if nothing else were there.
        most: u64 = "euca:most", "most";
    }
}

/// Has a node get no new instances, or get some again (ours, not 2.0's).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ModifyNode {
    /// The node.
    pub name: String,
    /// `draining`: it gets no new instances; `enabled`: it gets some again. One that was given up is
    /// enabled once it answers.
    pub state: String,
}

/// Gives a node up that is lost: all of its instances are declared terminated, and their disks are
/// lost (ours, not 2.0's).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GiveUpNode {
    /// The node, which does not answer.
    pub name: String,
}

told! {
    /// What was done with a node.
    NodeModified {
        /// The node.
        name: String = "euca:name", "name";
        /// What stands there of it: `draining`, `given-up`, or nothing.
        rule: String = "euca:rule", "rule";
        /// The instances that are on it still, or were.
        instances: Entries = "euca:instances", "instances";
    }
}

registration! {
    /// Would add a cluster.
    RegisterCluster
}
registration! {
    /// Would remove a cluster.
    DeregisterCluster
}
registration! {
    /// Would add a walrus.
    RegisterWalrus
}
registration! {
    /// Would remove a walrus.
    DeregisterWalrus
}
registration! {
    /// Would add a storage controller.
    RegisterStorageController
}
registration! {
    /// Would remove a storage controller.
    DeregisterStorageController
}

actions! {
    DescribeClusters => Components, Read;
    DescribeWalruses => Components, Read;
    DescribeStorageControllers => Components, Read;
    DescribeComponents => Components, Read;
    DescribeNodes => Nodes, Read;
    GiveUpNode => NodeModified, Write;
    ModifyNode => NodeModified, Write;
    RegisterCluster => Done, Write;
    DeregisterCluster => Done, Write;
    RegisterWalrus => Done, Write;
    DeregisterWalrus => Done, Write;
    RegisterStorageController => Done, Write;
    DeregisterStorageController => Done, Write;
}
