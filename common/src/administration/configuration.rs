//! What the cloud is made of. It is described here and said in the configuration of the clc: what
//! would register a component by a call is understood and refused.

use serde::{Deserialize, Serialize};

use super::elements::{Done, Entries, Items};
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
    #[serde(rename(serialize = "euca:registered", deserialize = "registered"), default)]
    pub registered: Items<Component>,
}

/// A component.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// What it is: `cluster`, `walrus`, `node`.
    #[serde(rename(serialize = "euca:type", deserialize = "type"), default)]
    pub kind: String,
    /// Its zone, if it is in one.
    #[serde(
        rename(serialize = "euca:partition", deserialize = "partition"),
        default,
        skip_serializing_if = "String::is_empty"
    )]
    pub partition: String,
    /// Its name.
    #[serde(rename(serialize = "euca:name", deserialize = "name"))]
    pub name: String,
    /// Its host.
    #[serde(rename(serialize = "euca:detail", deserialize = "detail"), default)]
    pub detail: String,
    /// `ENABLED`, or `NOTREADY` if it has not answered lately.
    #[serde(rename(serialize = "euca:state", deserialize = "state"), default)]
    pub state: String,
}

/// Nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nodes {
    /// The nodes.
    #[serde(rename(serialize = "euca:registered", deserialize = "registered"), default)]
    pub registered: Items<Node>,
}

/// A node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name.
    #[serde(rename(serialize = "euca:name", deserialize = "name"))]
    pub name: String,
    /// Its zone.
    #[serde(rename(serialize = "euca:clusterName", deserialize = "clusterName"))]
    pub cluster_name: String,
    /// `ENABLED`, or `NOTREADY` if it has not answered lately.
    #[serde(rename(serialize = "euca:state", deserialize = "state"), default)]
    pub state: String,
    /// The ids of its instances.
    #[serde(rename(serialize = "euca:instances", deserialize = "instances"), default)]
    pub instances: Entries,
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
    RegisterCluster => Done, Write;
    DeregisterCluster => Done, Write;
    RegisterWalrus => Done, Write;
    DeregisterWalrus => Done, Write;
    RegisterStorageController => Done, Write;
    DeregisterStorageController => Done, Write;
}
