//! The documents that repeat what the code says are compared with it.
//!
//! `docs/operations.md` lists every configuration key with its comment. Between its lines
//! `<!-- keys of PROGRAM -->` and `<!-- end -->` stands what this test makes of the program's
//! `config.rs`; with `EUCALYPT_WRITE_DOCUMENTS=1` it writes that there instead of comparing.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const PROGRAMS: [(&str, &str, &str); 3] =
    [("clc", "clc", "CLC"), ("walrus", "walrus", "WALRUS"), ("node-agent", "node-agent", "NODE")];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// A key as it is written in TOML, and its comment.
struct Key {
    name: String,
    text: String,
}

/// The keys of a struct, with those of the tables it holds below their names.
fn keys(source: &str, of: &str, prefix: &str) -> Vec<Key> {
    let start = format!("pub struct {of} {{");
    let body = source.split_once(&start).map(|(_, rest)| rest.split_once("\n}").unwrap().0);
    let (mut keys, mut text) = (Vec::new(), String::new());
    for line in body.unwrap_or_else(|| panic!("no struct {of}")).lines().map(str::trim) {
        if let Some(said) = line.strip_prefix("///") {
            text.push_str(said);
        } else if let Some(field) = line.strip_prefix("pub ") {
            let (name, kind) = field.trim_end_matches(',').split_once(": ").unwrap();
            let said = std::mem::take(&mut text).trim().to_owned();
            assert!(!said.is_empty(), "{of}.{name} says nothing");
            let inner = kind.strip_prefix("Vec<").map_or(kind, |list| list.trim_end_matches('>'));
            if source.contains(&format!("pub struct {inner} {{")) {
                let name = if inner == kind { name.to_owned() } else { format!("{name}[]") };
                keys.extend(self::keys(source, inner, &format!("{prefix}{name}.")));
            } else {
                keys.push(Key { name: format!("{prefix}{name}"), text: said });
            }
        }
    }
    keys
}

/// Brackets of links to code are for who reads the code.
fn plain(text: &str) -> String {
    text.replace("[`", "`").replace("`]", "`").replace('|', "\\|")
}

#[test]
fn operations_names_every_configuration_key() {
    let path = root().join("docs/operations.md");
    let mut document = std::fs::read_to_string(&path).unwrap();
    let before = document.clone();
    for (program, folder, environment) in PROGRAMS {
        let source = std::fs::read_to_string(root().join(folder).join("src/config.rs")).unwrap();
        let mut table =
            format!("| key | as `EUCALYPT_{environment}__…` | meaning |\n|---|---|---|\n");
        for Key { name, text } in keys(&source, "Config", "") {
            // A list can only be given whole.
            let whole = name.split_once("[]").map_or(name.as_str(), |(list, _)| list);
            let variable = format!("`{}`", whole.to_uppercase().replace('.', "__"));
            writeln!(table, "| `{name}` | {variable} | {} |", plain(&text)).unwrap();
        }
        let mark = format!("<!-- keys of {program} -->\n");
        let (head, rest) = document.split_once(&mark).unwrap_or_else(|| panic!("no line {mark}"));
        let (_, tail) = rest.split_once("<!-- end -->").unwrap();
        document = format!("{head}{mark}{table}<!-- end -->{tail}");
    }
    if std::env::var_os("EUCALYPT_WRITE_DOCUMENTS").is_some() {
        std::fs::write(&path, &document).unwrap();
    } else if document != before {
        let wrong = document.lines().zip(before.lines()).find(|(made, found)| made != found);
        panic!(
            "docs/operations.md differs from the configuration: {wrong:?}; \
             run this test with EUCALYPT_WRITE_DOCUMENTS=1"
        );
    }
}

#[test]
fn testing_names_every_stage_with_its_budget() {
    let script = std::fs::read_to_string(root().join("scripts/test")).unwrap();
    let document = std::fs::read_to_string(root().join("docs/testing.md")).unwrap();
    let (_, rest) = script.split_once("BUDGET=(").unwrap();
    let budgets = rest.split_once(')').unwrap().0.split_whitespace();
    for budget in budgets {
        let (stage, seconds) = budget.strip_prefix('[').unwrap().split_once("]=").unwrap();
        let row = document.lines().find(|line| line.starts_with(&format!("| {stage} |")));
        let row = row.unwrap_or_else(|| panic!("docs/testing.md has no stage {stage}"));
        assert!(row.ends_with(&format!("| {seconds} s |")), "the budget of {stage} is {seconds} s");
    }
}
