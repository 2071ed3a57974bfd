//! `euca-describe-instance-status`: how instances fare.

use clap::Args;
use common::ec2::status::{DescribeInstanceStatus as Ask, InstanceStatus, Status};

use super::{Context, Execute, Failure};
use crate::options::{Columns, Filters, Remote};
use crate::output::Rows;

const FILTERS: &[&str] = &[
    "availability-zone",
    "event.code",
    "event.description",
    "event.not-after",
    "event.not-before",
    "instance-state-code",
    "instance-state-name",
    "instance-status.reachability",
    "instance-status.status",
    "system-status.reachability",
    "system-status.status",
];

/// Options of `euca-describe-instance-status`.
#[derive(Debug, Args)]
pub(crate) struct DescribeInstanceStatus {
    /// Show these instances only
    #[arg(value_name = "INSTANCE")]
    instances: Vec<String>,
    /// Hide instances that fare well
    #[arg(long)]
    hide_healthy: bool,
    /// Show instances that do not run, too
    #[arg(long)]
    include_all_instances: bool,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for DescribeInstanceStatus {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let ask = Ask {
            instance_id: self.instances,
            filter: self.filters.named(FILTERS)?,
            include_all_instances: self.include_all_instances,
            ..Ask::default()
        };
        let answer = cx.ec2(&self.remote)?.send(&ask)?;
        let mut rows = cx.rows(&self.columns);
        for it in &answer.instance_status_set.item {
            let is_well = [&it.system_status, &it.instance_status].map(|it| it.status == "ok");
            if !(self.hide_healthy && is_well == [true, true]) {
                print(&mut rows, it)?;
            }
        }
        Ok(())
    }
}

fn print(rows: &mut Rows<'_>, it: &InstanceStatus) -> Result<(), Failure> {
    rows.row(&[
        "INSTANCE",
        it.instance_id.as_str(),
        &it.availability_zone,
        &it.instance_state.name,
        &it.instance_state.code.to_string(),
        &it.instance_status.status,
        &it.system_status.status,
        // Nothing is planned with instances, so none is ever retiring.
        "active",
        "",
    ])?;
    print_details(rows, "SYSTEMSTATUS", &it.system_status)?;
    print_details(rows, "INSTANCESTATUS", &it.instance_status)
}

fn print_details(rows: &mut Rows<'_>, what: &str, status: &Status) -> Result<(), Failure> {
    for detail in &status.details.item {
        let since = detail.impaired_since.map(|at| at.0.iso()).unwrap_or_default();
        rows.row(&[what, &detail.name, &detail.status, &since])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use common::ec2::instances::State;
    use common::ec2::status::Detail;
    use common::ec2::types::IsoTime;
    use common::time::Timestamp;

    use super::*;

    #[test]
    fn an_instance_is_followed_by_what_was_looked_at() {
        let status = |status: &str, found: &str, since: Option<Timestamp>| Status {
            status: status.into(),
            details: vec![Detail {
                name: "reachability".into(),
                status: found.into(),
                impaired_since: since.map(IsoTime),
            }]
            .into(),
        };
        let it = InstanceStatus {
            instance_id: "i-00000001".parse().unwrap(),
            availability_zone: "eucalyptus-1a".into(),
            events_set: Vec::new().into(),
            instance_state: State { code: 16, name: "running".into() },
            system_status: status("impaired", "failed", Some(Timestamp::EPOCH)),
            instance_status: status("insufficient-data", "insufficient-data", None),
        };
        let mut out = Vec::new();
        print(&mut Rows::new(&mut out, false), &it).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "INSTANCE\ti-00000001\teucalyptus-1a\trunning\t16\tinsufficient-data\timpaired\tactive\t\n\
             SYSTEMSTATUS\treachability\tfailed\t1970-01-01T00:00:00.000Z\n\
             INSTANCESTATUS\treachability\tinsufficient-data\t\n"
        );
    }
}
