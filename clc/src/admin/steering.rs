//! Nodes, instance types and the unbundle cache, as an administrator on the host looks after them: the
//! commands, and how they reach the actor that does the same for `euca admin` and the console.

use std::io::Write;

use actix::Addr;
use clap::{Args, Subcommand};
use common::action::{Action, Caller};
use common::administration::cache::{DescribeImageCache, EvictImages};
use common::administration::configuration::{DescribeNodes, GiveUpNode, ModifyNode};
use common::administration::types::{ModifyInstanceTypes, TypeChange};
use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use common::wire::Message;
use common::wire::admin::Admin;
use runtime::actor::{Call, Handle, ServiceActor};
use runtime::dispatcher::Dispatcher;

use super::asking::{Clc, CommandError};
use super::paths::Paths;

/// What can be done about nodes, instance types and the unbundle cache.
#[derive(Debug, Subcommand)]
pub enum SteeringCommand {
    /// Show what lies in the unbundle cache
    DescribeImageCache,
    /// Remove images from the unbundle cache now; what is in use is never removed
    EvictImages {
        /// The image, or the SHA-256 of its manifest; all that nobody uses, if none is named
        image: Option<String>,
    },
    /// List nodes and what runs on them
    DescribeNodes {
        /// Show these only
        name: Vec<String>,
    },
    /// Have a node get no new instances
    DrainNode {
        /// The node's name
        name: String,
    },
    /// Have a node get instances again
    EnableNode {
        /// The node's name
        name: String,
    },
    /// Give up a node that is lost: its instances are declared terminated
    GiveUpNode {
        /// The node's name
        name: String,
    },
    /// Change the size of an instance type
    ModifyInstanceType {
        /// The type
        name: String,
        /// What it shall have
        #[command(flatten)]
        size: Size,
    },
}

/// What an instance type has; what is not named stays.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct Size {
    /// How many virtual processors it has
    #[arg(short, long, value_name = "COUNT")]
    cpus: Option<u32>,
    /// How much memory it has, in MiB
    #[arg(short, long, value_name = "MiB")]
    memory: Option<u64>,
    /// How much disk it has, in GiB
    #[arg(short, long, value_name = "GiB")]
    disk: Option<u64>,
}

impl SteeringCommand {
    /// Does it and prints its result.
    ///
    /// # Errors
    /// Says what to do about it.
    pub(super) async fn run(
        self,
        clc: &Clc,
        out: &mut (dyn Write + Send),
    ) -> Result<(), CommandError> {
        let wish = |name: String, state: &str| ModifyNode { name, state: state.to_owned() };
        let lines = match self {
            Self::DescribeImageCache => clc.ask(DescribeImageCache {}).await?.lines(),
            Self::EvictImages { image } => vec![clc.ask(EvictImages { image }).await?.line()],
            Self::DescribeNodes { name } => clc.ask(DescribeNodes { name }).await?.lines(),
            Self::DrainNode { name } => vec![clc.ask(wish(name, "draining")).await?.line()],
            Self::EnableNode { name } => vec![clc.ask(wish(name, "enabled")).await?.line()],
            Self::GiveUpNode { name } => vec![clc.ask(GiveUpNode { name }).await?.line()],
            Self::ModifyInstanceType { name, size: Size { cpus: cpu, memory, disk } } => {
                let change = TypeChange { name: name.clone(), cpu, memory, disk };
                let wish = ModifyInstanceTypes { instance_type: vec![change] };
                clc.ask(wish).await?.lines(&name)
            }
        };
        for line in lines {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}

/// Whoever is on the host: the record and the rules of nodes have them by this name.
fn host() -> Caller {
    let owner = Caller::owner(&AccountId::cloud(), "eucalyptus");
    Caller { user: "host".to_owned(), administrator: true, ..owner }
}

/// Has an action done by the actor of the paths.
fn handed<A>(it: Dispatcher<Admin>, paths: &Addr<ServiceActor<Paths>>) -> Dispatcher<Admin>
where
    A: Handle<Paths> + Message<Service = Admin, Reply = <A as Action>::Output>,
{
    let paths = paths.clone();
    it.with(move |action: A| {
        let paths = paths.clone();
        async move {
            let (caller, request_id) = (host(), String::new());
            let call = Call { action, caller, request_id, dry_run: false };
            paths.send(call).await.map_err(|gone| {
                ApiError::new(ErrorCode::Unavailable, "The service is stopping").because(gone)
            })?
        }
    })
}

/// Adds what an administrator on the host asks about these.
pub fn answer_on(it: Dispatcher<Admin>, paths: &Addr<ServiceActor<Paths>>) -> Dispatcher<Admin> {
    let it = handed::<DescribeImageCache>(it, paths);
    let it = handed::<DescribeNodes>(it, paths);
    let it = handed::<EvictImages>(it, paths);
    let it = handed::<GiveUpNode>(it, paths);
    let it = handed::<ModifyInstanceTypes>(it, paths);
    handed::<ModifyNode>(it, paths)
}
