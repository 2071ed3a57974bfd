//! What the cloud is made of.

use std::fmt;
use std::marker::PhantomData;

use clap::Args;
use common::action::Action;
use common::administration::Done;
use common::administration::configuration::{
    Components, DeregisterCluster, DeregisterStorageController, DeregisterWalrus, DescribeClusters,
    DescribeComponents, DescribeNodes, DescribeStorageControllers, DescribeWalruses,
    RegisterCluster, RegisterStorageController, RegisterWalrus,
};

use super::asking::{CONFIGURATION, ask, done, lines, row};
use crate::cmd::{Context, Execute, Failure};
use crate::options::Remote;

/// Which components are shown.
#[derive(Debug, Args)]
struct Wanted {
    /// Show these only
    #[arg(value_name = "NAME")]
    name: Vec<String>,
    #[command(flatten)]
    remote: Remote,
}

/// Options of `euca-describe-nodes`.
#[derive(Debug, Args)]
pub(crate) struct Nodes {
    #[command(flatten)]
    some: Wanted,
}

impl Execute for Nodes {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let asked = DescribeNodes { name: self.some.name };
        let nodes = ask(cx, &self.some.remote, CONFIGURATION, &asked)?;
        lines(cx, &nodes.lines())
    }
}

fn print(cx: &mut Context<'_>, found: &Components) -> Result<(), Failure> {
    for it in &found.registered.item {
        row(cx, &[&it.kind.to_uppercase(), &it.name, &it.detail, &it.state])?;
    }
    Ok(())
}

/// Options of `euca-describe-clusters`.
#[derive(Debug, Args)]
pub(crate) struct Clusters {
    #[command(flatten)]
    some: Wanted,
}

impl Execute for Clusters {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let asked = DescribeClusters { name: self.some.name };
        let found = ask(cx, &self.some.remote, CONFIGURATION, &asked)?;
        print(cx, &found)
    }
}

/// Options of `euca-describe-walruses`.
#[derive(Debug, Args)]
pub(crate) struct Walruses {
    #[command(flatten)]
    some: Wanted,
}

impl Execute for Walruses {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let asked = DescribeWalruses { name: self.some.name };
        let found = ask(cx, &self.some.remote, CONFIGURATION, &asked)?;
        print(cx, &found)
    }
}

/// Options of `euca-describe-storage-controllers`.
#[derive(Debug, Args)]
pub(crate) struct StorageControllers {
    #[command(flatten)]
    some: Wanted,
}

impl Execute for StorageControllers {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let asked = DescribeStorageControllers { name: self.some.name };
        let found = ask(cx, &self.some.remote, CONFIGURATION, &asked)?;
        print(cx, &found)
    }
}

/// Options of `euca-describe-components`.
#[derive(Debug, Args)]
pub(crate) struct All {
    #[command(flatten)]
    some: Wanted,
}

impl Execute for All {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let asked = DescribeComponents { name: self.some.name };
        let found = ask(cx, &self.some.remote, CONFIGURATION, &asked)?;
        print(cx, &found)
    }
}

/// A kind of component, by what 2.0 asks to add and to remove one.
pub(crate) trait Kind: fmt::Debug + Send + Sync + 'static {
    /// What would add one.
    type Register: Action<Output = Done>;
    /// What would remove one.
    type Deregister: Action<Output = Done>;

    /// Asks to add one.
    fn register(name: String, host: Option<String>, port: Option<u16>) -> Self::Register;

    /// Asks to remove one.
    fn deregister(name: String) -> Self::Deregister;
}

macro_rules! kind {
    ($(#[$doc:meta])* $kind:ident, $register:ident, $deregister:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $kind;

        impl Kind for $kind {
            type Register = $register;
            type Deregister = $deregister;

            fn register(name: String, host: Option<String>, port: Option<u16>) -> $register {
                $register { name: Some(name), host, port }
            }

            fn deregister(name: String) -> $deregister {
                $deregister { name: Some(name), host: None, port: None }
            }
        }
    };
}

kind! {
    /// A zone.
    Cluster, RegisterCluster, DeregisterCluster
}
kind! {
    /// A walrus.
    Walrus, RegisterWalrus, DeregisterWalrus
}
kind! {
    /// A storage controller.
    StorageController, RegisterStorageController, DeregisterStorageController
}

/// Options of `euca-register-cluster` and its like.
#[derive(Debug, Args)]
pub(crate) struct Register<K: Kind> {
    /// The component's name
    #[arg(value_name = "NAME")]
    name: String,
    /// Its host
    #[arg(short = 'H', long)]
    host: Option<String>,
    /// Its port
    #[arg(short, long)]
    port: Option<u16>,
    #[command(flatten)]
    remote: Remote,
    #[arg(skip)]
    kind: PhantomData<K>,
}

impl<K: Kind> Execute for Register<K> {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        done(cx, &self.remote, CONFIGURATION, &K::register(self.name, self.host, self.port))
    }
}

/// Options of `euca-deregister-cluster` and its like.
#[derive(Debug, Args)]
pub(crate) struct Deregister<K: Kind> {
    /// The component's name
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    remote: Remote,
    #[arg(skip)]
    kind: PhantomData<K>,
}

impl<K: Kind> Execute for Deregister<K> {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        done(cx, &self.remote, CONFIGURATION, &K::deregister(self.name))
    }
}
