//! The documents that repeat what the code says are compared with it.
//!
//! `docs/operations.md` lists every configuration key with its comment. Between its lines
//! `<!-- keys of PROGRAM -->` and `<!-- end -->` stands what this test makes of the program's
//! `config.rs`; with `EUCALYPT_WRITE_DOCUMENTS=1` it writes that there instead of comparing.
//!
//! `docs/permissions.md` lists every condition key that the services fill in.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::collections::BTreeSet;
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

/// What the services say to the evaluator stands between these.
const SERVICES: [&str; 5] = ["aws:", "ec2:", "iam:", "s3:", "sts:"];

/// All sources below a folder, tests at their feet cut off, without white space and in lower case.
fn sources(folder: &Path, into: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            into.extend(code.to_lowercase().split_whitespace());
        }
    }
}

/// The keys that code puts into contexts; of one made of parts, what it begins with.
fn said(code: &str) -> BTreeSet<String> {
    let calls = [".with(", ".with_some(", ".with_all(", ".said("];
    let said = calls.iter().flat_map(|call| code.split(call).skip(1)).filter_map(|rest| {
        let literal = rest.strip_prefix("&format!(").unwrap_or(rest).strip_prefix('"')?;
        let key = literal.split(['"', '{']).next()?;
        SERVICES.iter().any(|service| key.starts_with(service)).then(|| key.to_owned())
    });
    said.collect()
}

#[test]
fn permissions_names_every_condition_key() {
    let document = std::fs::read_to_string(root().join("docs/permissions.md")).unwrap();
    let list = document.split_once("## Condition keys\n").unwrap().1;
    let list = list.split("\n## ").next().unwrap().to_lowercase();
    let told: BTreeSet<&str> = list
        .split('`')
        .filter(|span| SERVICES.iter().any(|service| span.starts_with(service)))
        .collect();
    let mut code = String::new();
    for folder in ["common/src", "common/runtime/src", "clc/src", "walrus/src"] {
        sources(&root().join(folder), &mut code);
    }
    let said = said(&code);
    assert!(said.len() > 40, "{said:?}");
    let untold: Vec<_> = said
        .iter()
        .filter(|key| {
            let part = key.ends_with([':', '/']) || key.as_str() == "ec2:metadata";
            let there = told.iter().any(|it| part && it.starts_with(*key));
            !told.contains(key.as_str()) && !there
        })
        .collect();
    assert!(untold.is_empty(), "docs/permissions.md does not tell of {untold:?}");
    let unsaid: Vec<_> = told
        .iter()
        .filter(|key| {
            let name = key.split_once(':').unwrap().1;
            match name.split_once('/') {
                Some((name, _)) => !code.contains(&format!(":{name}/{{")),
                None => {
                    // Made of parts, it ends in one of them.
                    let part = |it: &&String| key.starts_with(it.as_str()) && it != key;
                    let ends = |it: &String| {
                        let end = &key[it.len()..];
                        code.contains(&format!("\"{end}\"")) || code.contains(&format!("}}{end}\""))
                    };
                    !said.contains(**key) && !said.iter().filter(part).any(ends)
                }
            }
        })
        .collect();
    assert!(unsaid.is_empty(), "docs/permissions.md tells of {unsaid:?}, which nothing says");
}
