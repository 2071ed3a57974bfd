//! Instances stopped, started and rebooted.

use clap::Args;
use common::ec2::instances::ChangedInstances;
use common::ec2::power;

use super::{Context, Execute, Failure};
use crate::options::{Columns, Remote};
use crate::output::Rows;

/// Options of `euca-stop-instances`.
#[derive(Debug, Args)]
pub(crate) struct StopInstances {
    /// The instances to stop
    #[arg(value_name = "INSTANCE", required = true)]
    instances: Vec<String>,
    /// Switch them off at once, without a word to their guests
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for StopInstances {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let ask = power::StopInstances {
            instance_id: self.instances,
            force: self.force.then_some(true),
            ..power::StopInstances::default()
        };
        let answer = cx.ec2(&self.remote)?.send(&ask)?;
        print_changed(&mut cx.rows(&self.columns), &answer)
    }
}

/// Options of `euca-start-instances`.
#[derive(Debug, Args)]
pub(crate) struct StartInstances {
    /// The instances to start
    #[arg(value_name = "INSTANCE", required = true)]
    instances: Vec<String>,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for StartInstances {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let ask = power::StartInstances { instance_id: self.instances };
        let answer = cx.ec2(&self.remote)?.send(&ask)?;
        print_changed(&mut cx.rows(&self.columns), &answer)
    }
}

/// Options of `euca-reboot-instances`.
#[derive(Debug, Args)]
pub(crate) struct RebootInstances {
    /// The instances to reboot
    #[arg(value_name = "INSTANCE", required = true)]
    instances: Vec<String>,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for RebootInstances {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let ask = power::RebootInstances { instance_id: self.instances };
        cx.ec2(&self.remote)?.send(&ask)?;
        Ok(())
    }
}

/// A line for each instance: its state before and now.
pub(crate) fn print_changed(rows: &mut Rows<'_>, answer: &ChangedInstances) -> Result<(), Failure> {
    for changed in &answer.instances_set.item {
        let id = changed.instance_id.to_string();
        let (before, now) = (&changed.previous_state.name, &changed.current_state.name);
        rows.row(&["INSTANCE", &id, before, now])?;
    }
    Ok(())
}
