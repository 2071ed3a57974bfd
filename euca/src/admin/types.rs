//! Instance types.

use clap::Args;
use common::administration::types::{ModifyInstanceTypes, TypeChange};

use super::asking::{CONFIGURATION, ask, lines};
use crate::cmd::{Context, Execute, Failure};
use crate::options::Remote;

/// Options of `euca-modify-instance-type`.
#[derive(Debug, Args)]
pub(crate) struct Modify {
    /// The type
    #[arg(value_name = "INSTANCETYPE")]
    name: String,
    /// How many virtual processors it has
    #[arg(short, long, value_name = "COUNT")]
    cpus: Option<u32>,
    /// How much memory it has, in MiB
    #[arg(short, long, value_name = "MiB")]
    memory: Option<u64>,
    /// How much disk it has, in GiB
    #[arg(short, long, value_name = "GiB")]
    disk: Option<u64>,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for Modify {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        if self.cpus.is_none() && self.memory.is_none() && self.disk.is_none() {
            let text = "one of -c/--cpus, -m/--memory and -d/--disk is required";
            return Err(Failure::Usage(text.to_owned()));
        }
        let (name, cpu) = (self.name.clone(), self.cpus);
        let change = TypeChange { name, cpu, memory: self.memory, disk: self.disk };
        let wish = ModifyInstanceTypes { instance_type: vec![change] };
        let types = ask(cx, &self.remote, CONFIGURATION, &wish)?;
        lines(cx, &types.lines(&self.name))
    }
}
