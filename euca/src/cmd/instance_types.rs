//! `euca-describe-instance-types`: a table of the types, as aligned columns.

use std::collections::BTreeMap;
use std::io::{self, Write};

use clap::Args;
use common::ec2::instance_types::{DescribeInstanceTypes as Ask, InstanceTypes, TypeDetails};

use super::{Context, Execute, Failure};
use crate::options::Remote;

/// Options of `euca-describe-instance-types`.
#[derive(Debug, Args)]
pub(crate) struct DescribeInstanceTypes {
    /// Show these types only
    #[arg(value_name = "INSTANCETYPE")]
    types: Vec<String>,
    /// Show each availability zone by itself
    #[arg(long)]
    by_zone: bool,
    /// Show how many instances of each type there is room for
    #[arg(long)]
    show_capacity: bool,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for DescribeInstanceTypes {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let ask = Ask {
            instance_type: self.types,
            availability: self.by_zone || self.show_capacity,
            ..Ask::default()
        };
        let answer = cx.ec2(&self.remote)?.send(&ask)?;
        print(cx.out, &answer, self.by_zone, self.show_capacity)?;
        Ok(())
    }
}

/// How many instances of each type, by its name, a place has room for: free and in all.
type Rooms<'a> = BTreeMap<&'a str, (u64, u64)>;

fn print(
    out: &mut dyn Write,
    answer: &InstanceTypes,
    by_zone: bool,
    with_capacity: bool,
) -> io::Result<()> {
    let types = &answer.instance_type_details.item;
    let mut everywhere = Rooms::new();
    let mut zones: BTreeMap<&str, Rooms<'_>> = BTreeMap::new();
    for kind in types {
        for zone in &kind.availability.item {
            let rooms = zones.entry(&zone.zone_name).or_default();
            for rooms in [rooms, &mut everywhere] {
                let (free, most) = rooms.entry(&kind.name).or_default();
                *free += zone.available;
                *most += zone.max;
            }
        }
    }
    if !by_zone {
        return table(out, types, with_capacity.then_some(&everywhere));
    }
    for (zone, rooms) in &zones {
        writeln!(out, "AVAILABILITYZONE\t{zone}")?;
        table(out, types, with_capacity.then_some(rooms))?;
        writeln!(out)?;
    }
    Ok(())
}

fn table(out: &mut dyn Write, types: &[TypeDetails], rooms: Option<&Rooms<'_>>) -> io::Result<()> {
    let heads = ["Name", "CPUs", "Memory (MiB)", "Disk (GiB)", "Used", "Total", "Used %"];
    let row = |kind: &TypeDetails| {
        let of = |rooms: &Rooms<'_>| rooms.get(kind.name.as_str()).copied();
        let (free, most) = rooms.and_then(of).unwrap_or_default();
        let used = most.saturating_sub(free);
        let share = (used * 100 + most / 2).checked_div(most);
        [
            kind.name.clone(),
            kind.cpu.to_string(),
            kind.memory.to_string(),
            kind.disk.to_string(),
            used.to_string(),
            most.to_string(),
            share.map(|share| format!("{share}%")).unwrap_or_default(),
        ]
    };
    let rows: Vec<_> =
        std::iter::once(heads.map(str::to_owned)).chain(types.iter().map(row)).collect();
    let widths = [0, 1, 2, 3, 4, 5, 6].map(|column: usize| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
    });
    for [name, cpus, memory, disk, used, total, share] in &rows {
        let [w_name, w_cpus, w_memory, w_disk, w_used, w_total, w_share] = widths;
        write!(
            out,
            "INSTANCETYPE\t {name:<w_name$}  {cpus:>w_cpus$}  {memory:>w_memory$}  {disk:>w_disk$}"
        )?;
        if rooms.is_some() {
            write!(out, "  {used:>w_used$} / {total:>w_total$}  {share:>w_share$}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use common::ec2::instance_types::Availability;

    use super::*;

    fn kind(name: &str, rooms: &[(&str, u64, u64)]) -> TypeDetails {
        let room = |(zone, available, max): &(&str, u64, u64)| Availability {
            zone_name: (*zone).to_owned(),
            max: *max,
            available: *available,
        };
        TypeDetails {
            name: name.to_owned(),
            cpu: 1,
            disk: 10,
            memory: 256,
            network_interfaces: 1,
            availability: rooms.iter().map(room).collect(),
        }
    }

    fn printed(types: Vec<TypeDetails>, by_zone: bool, with_capacity: bool) -> String {
        let answer = InstanceTypes {
            instance_type_set: Vec::new().into(),
            instance_type_details: types.into(),
            next_token: None,
        };
        let mut out = Vec::new();
        print(&mut out, &answer, by_zone, with_capacity).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn types_are_a_table() {
        let types = vec![kind("m1.small", &[]), kind("very.long", &[])];
        assert_eq!(
            printed(types, false, false),
            "INSTANCETYPE\t Name       CPUs  Memory (MiB)  Disk (GiB)\n\
             INSTANCETYPE\t m1.small      1           256          10\n\
             INSTANCETYPE\t very.long     1           256          10\n"
        );
    }

    #[test]
    fn capacity_is_summed_over_zones_or_shown_for_each() {
        let types = || vec![kind("m1.small", &[("a", 1, 2), ("b", 1, 4)]), kind("big", &[])];
        assert_eq!(
            printed(types(), false, true),
            "INSTANCETYPE\t Name      CPUs  Memory (MiB)  Disk (GiB)  Used / Total  Used %\n\
             INSTANCETYPE\t m1.small     1           256          10     4 /     6     67%\n\
             INSTANCETYPE\t big          1           256          10     0 /     0        \n"
        );
        let by_zone = printed(types(), true, true);
        let zones: Vec<_> = by_zone.split("AVAILABILITYZONE\t").skip(1).collect();
        assert!(zones[0].starts_with("a\n") && zones[0].contains("1 /     2     50%"), "{by_zone}");
        assert!(zones[1].starts_with("b\n") && zones[1].contains("3 /     4     75%"), "{by_zone}");
        assert!(by_zone.ends_with("\n\n"));
    }
}
