//! How nodes are used.

use clap::Args;
use common::action::Action;
use common::administration::configuration::{GiveUpNode, ModifyNode, NodeModified};

use super::asking::{CONFIGURATION, ask, lines};
use crate::cmd::{Context, Execute, Failure};
use crate::options::Remote;

/// A node.
#[derive(Debug, Args)]
struct Named {
    /// The node's name
    #[arg(value_name = "NODE")]
    name: String,
    #[command(flatten)]
    remote: Remote,
}

/// Has something said of a node, and prints what stands there of it then and what is on it.
fn say<A: Action<Output = NodeModified>>(
    cx: &mut Context<'_>,
    remote: &Remote,
    wish: &A,
) -> Result<(), Failure> {
    let said = ask(cx, remote, CONFIGURATION, wish)?;
    lines(cx, &[said.line()])
}

/// Options of `euca-drain-node`.
#[derive(Debug, Args)]
pub(crate) struct Drain {
    #[command(flatten)]
    node: Named,
}

impl Execute for Drain {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let wish = ModifyNode { name: self.node.name, state: "draining".to_owned() };
        say(cx, &self.node.remote, &wish)
    }
}

/// Options of `euca-enable-node`.
#[derive(Debug, Args)]
pub(crate) struct Enable {
    #[command(flatten)]
    node: Named,
}

impl Execute for Enable {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let wish = ModifyNode { name: self.node.name, state: "enabled".to_owned() };
        say(cx, &self.node.remote, &wish)
    }
}

/// Options of `euca-give-up-node`.
#[derive(Debug, Args)]
pub(crate) struct GiveUp {
    #[command(flatten)]
    node: Named,
}

impl Execute for GiveUp {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        say(cx, &self.node.remote, &GiveUpNode { name: self.node.name })
    }
}
