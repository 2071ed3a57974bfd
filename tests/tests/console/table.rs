//! The table as a file, for tests that are not written in Rust.

use std::fmt::Write as _;
use std::path::Path;

use clc::console::{Who, lines};

use crate::crawl::name;

/// Where it is written down.
const FILE: &str = "data/console-table.txt";

#[test]
fn the_table_is_as_it_is_written_down() {
    let mut table = String::new();
    for line in lines() {
        let who = match line.who {
            Who::Anyone => "anyone",
            Who::Held => "held",
            Who::SignedIn => "signed-in",
            Who::Administrator => "administrator",
        };
        writeln!(table, "{who} {}", name(&line)).unwrap();
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    if std::env::var_os("EUCALYPT_WRITE_TABLE").is_some() {
        std::fs::write(&file, &table).unwrap();
    } else {
        let differs = table.lines().zip(written.lines()).find(|(one, two)| one != two);
        assert!(table == written, "EUCALYPT_WRITE_TABLE=1 writes it anew: {differs:?}");
    }
}
