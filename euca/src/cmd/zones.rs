//! Zones and regions.

use clap::Args;
use common::ec2::zones::{AvailabilityZones, DescribeAvailabilityZones, DescribeRegions as Ask};

use super::{Context, Execute, Failure};
use crate::options::{Columns, Filters, Remote};
use crate::output::Rows;

/// Options of `euca-describe-availability-zones`.
#[derive(Debug, Args)]
pub(crate) struct DescribeZones {
    /// Show these zones only; 'verbose' shows what they have room for
    #[arg(value_name = "ZONE")]
    zones: Vec<String>,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for DescribeZones {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let filter = self.filters.named(&["message", "region-name", "state", "zone-name"])?;
        let ask = DescribeAvailabilityZones { zone_name: self.zones, filter };
        let answer = cx.ec2(&self.remote)?.send(&ask)?;
        print_zones(&mut cx.rows(&self.columns), &answer)
    }
}

fn print_zones(rows: &mut Rows<'_>, answer: &AvailabilityZones) -> Result<(), Failure> {
    for zone in &answer.availability_zone_info.item {
        let messages: Vec<&str> =
            zone.message_set.item.iter().map(|message| message.message.as_str()).collect();
        rows.row(&["AVAILABILITYZONE", &zone.zone_name, &zone.zone_state, &messages.join(", ")])?;
    }
    Ok(())
}

/// Options of `euca-describe-regions`.
#[derive(Debug, Args)]
pub(crate) struct DescribeRegions {
    /// Show these regions only
    #[arg(value_name = "REGION")]
    regions: Vec<String>,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for DescribeRegions {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let filter = self.filters.named(&["endpoint", "region-name"])?;
        let answer = cx.ec2(&self.remote)?.send(&Ask { region_name: self.regions, filter })?;
        let mut rows = cx.rows(&self.columns);
        for region in &answer.region_info.item {
            rows.row(&["REGION", &region.region_name, &region.region_endpoint])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use common::ec2::zones::{AvailabilityZone, Message};

    use super::*;

    #[test]
    fn messages_are_one_column() {
        let message = |text: &str| Message { message: text.to_owned() };
        let zone = AvailabilityZone {
            zone_name: "eucalyptus-1a".into(),
            zone_state: "available".into(),
            region_name: "eucalyptus".into(),
            message_set: vec![message("one"), message("two")].into(),
        };
        let bare = AvailabilityZone { message_set: Vec::new().into(), ..zone.clone() };
        let answer = AvailabilityZones { availability_zone_info: vec![zone, bare].into() };
        let mut out = Vec::new();
        print_zones(&mut Rows::new(&mut out, false), &answer).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "AVAILABILITYZONE\teucalyptus-1a\tavailable\tone, two\n\
             AVAILABILITYZONE\teucalyptus-1a\tavailable\t\n"
        );
    }
}
