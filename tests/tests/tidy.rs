//! The house keeps its own rules: who may know whom, how long a file may be, what nothing is
//! called, and that no row of a table stands there for nothing.
#![expect(clippy::unwrap_used, reason = "a test may fail at once")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Which of our crates each may use. Cargo forbids circles; this forbids arrows upward.
const CRATES: &[(&str, &str, &[&str])] = &[
    ("common", "common", &[]),
    ("bundle", "common/bundle", &["common"]),
    ("store", "common/store", &["common"]),
    ("runtime", "common/runtime", &["common"]),
    ("clc", "clc", &["common", "runtime", "store"]),
    ("walrus", "walrus", &["common", "runtime", "store", "bundle"]),
    ("node-agent", "node-agent", &["common", "runtime", "bundle"]),
    ("euca", "euca", &["common", "bundle"]),
    (
        "e2e",
        "tests",
        &["common", "bundle", "store", "runtime", "clc", "walrus", "node-agent", "euca"],
    ),
];

/// Crates that only one floor may name: an engine outside `store` would be a second way to last.
const WALLS: &[(&str, &[&str])] = &[
    ("sled", &["store"]),
    ("actix-web", &["runtime"]),
    ("hyper-util", &["runtime", "node-agent"]),
    ("aes", &["bundle"]),
    ("cbc", &["bundle"]),
    ("flate2", &["bundle"]),
];

const CEILING: usize = 800;
const NINE_IN_TEN: usize = 450;
const NAMES_THAT_SAY_NOTHING: &[&str] = &["util", "utils", "helper", "helpers", "manager", "misc"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn sources(below: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![below.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn all_sources() -> Vec<PathBuf> {
    CRATES.iter().flat_map(|(_, folder, _)| crate_sources(folder)).collect()
}

fn crate_sources(folder: &str) -> Vec<PathBuf> {
    let folder = root().join(folder);
    ["src", "tests", "benches"].iter().flat_map(|part| sources(&folder.join(part))).collect()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn assert_none(faults: &[String], rule: &str) {
    assert!(faults.is_empty(), "{rule}:\n  {}", faults.join("\n  "));
}

#[test]
fn crates_use_only_what_lies_below_them() {
    let names: BTreeSet<_> = CRATES.iter().map(|(name, ..)| *name).collect();
    let mut faults = Vec::new();
    for (name, folder, allowed) in CRATES {
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        let used = manifest.split("[dependencies]").nth(1).unwrap_or_default();
        let used = used.split("\n[").next().unwrap_or_default();
        for line in used.lines() {
            let used = line.split(['.', ' ', '=']).next().unwrap_or_default();
            if names.contains(used) && !allowed.contains(&used) {
                faults.push(format!("{name} uses {used}"));
            }
            for (walled, inside) in WALLS {
                if used == *walled && !inside.contains(name) {
                    faults.push(format!("{name} uses {walled}, which only {inside:?} may"));
                }
            }
        }
    }
    assert_none(&faults, "arrows between crates that docs/architecture.md does not have");
}

/// The file that a module path leads to: the longest part of it that is a module.
fn file_of(modules: &BTreeMap<Vec<String>, PathBuf>, path: &[String]) -> Option<PathBuf> {
    (0..=path.len()).rev().find_map(|end| modules.get(&path[..end]).cloned())
}

fn modules(src: &Path) -> BTreeMap<Vec<String>, PathBuf> {
    let mut modules = BTreeMap::new();
    for file in sources(src) {
        let relative = file.strip_prefix(src).unwrap().with_extension("");
        let mut path: Vec<String> =
            relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        match path.last().map(String::as_str) {
            Some("lib" | "main") if path.len() == 1 => path.clear(),
            Some("mod") => drop(path.pop()),
            _ => {}
        }
        // A library and its program share the root; the library's is the one others mean.
        if !(path.is_empty() && file.ends_with("main.rs") && src.join("lib.rs").exists()) {
            modules.insert(path, file);
        }
    }
    modules
}

/// Every path in a text that starts at `crate::` or `super::`, braces opened up one level deep.
fn paths(text: &str, own: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in text.match_indices(start) {
            let before = text[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '$')) {
                continue;
            }
            let mut path: Vec<String> = Vec::new();
            let mut rest = &text[at..];
            if start == "super::" {
                path = own.to_vec();
                while let Some(after) = rest.strip_prefix("super::") {
                    path.pop();
                    rest = after;
                }
            } else {
                rest = &rest["crate::".len()..];
            }
            let word = |text: &str| {
                let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_'));
                text[..end.unwrap_or(text.len())].to_owned()
            };
            loop {
                if let Some(inside) = rest.strip_prefix('{') {
                    for item in inside.split('}').next().unwrap_or_default().split(',') {
                        let first = word(item.trim());
                        found.push(path.iter().cloned().chain([first]).collect());
                    }
                    break;
                }
                let step = word(rest);
                if step.is_empty() {
                    break;
                }
                rest = &rest[step.len()..];
                path.push(step);
                match rest.strip_prefix("::") {
                    Some(after) => rest = after,
                    None => {
                        found.push(path.clone());
                        break;
                    }
                }
            }
        }
    }
    found
}

/// What of a file counts as its code: not its tests, not its comments.
fn code_of(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let text = text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn no_file_knows_itself_through_others() {
    let mut faults = Vec::new();
    for (name, folder, _) in CRATES {
        let src = root().join(folder).join("src");
        let modules = modules(&src);
        let mut arrows: BTreeMap<PathBuf, BTreeSet<PathBuf>> = BTreeMap::new();
        for (own, file) in &modules {
            let to = arrows.entry(file.clone()).or_default();
            for path in paths(&code_of(file), own) {
                to.extend(file_of(&modules, &path).filter(|other| other != file));
            }
        }
        // What only lists its rooms and passes on their names knows them all and is known by
        // none of them for itself.
        for file in arrows.keys().cloned().collect::<Vec<_>>() {
            if let Some(circle) = circle_through(&file, &arrows) {
                let circle: Vec<_> = circle.iter().map(|f| shown(f)).collect();
                faults.push(format!("{name}: {}", circle.join(" → ")));
            }
        }
    }
    assert_none(&faults, "circles of imports");
}

fn circle_through(
    start: &PathBuf,
    arrows: &BTreeMap<PathBuf, BTreeSet<PathBuf>>,
) -> Option<Vec<PathBuf>> {
    let mut came: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
    let mut queue = vec![start.clone()];
    while let Some(at) = queue.pop() {
        for next in arrows.get(&at).into_iter().flatten() {
            if next == start {
                let mut circle = vec![start.clone()];
                let mut back = at.clone();
                while back != *start {
                    circle.push(back.clone());
                    back = came[&back].clone();
                }
                circle.push(start.clone());
                circle.reverse();
                return Some(circle);
            }
            if !came.contains_key(next) {
                came.insert(next.clone(), at.clone());
                queue.push(next.clone());
            }
        }
    }
    None
}

#[test]
fn no_file_is_too_long() {
    let mut lengths: Vec<(usize, String)> = all_sources()
        .iter()
        .map(|file| (fs::read_to_string(file).unwrap().lines().count(), shown(file)))
        .collect();
    lengths.sort();
    let long: Vec<_> = lengths.iter().filter(|(lines, _)| *lines > CEILING).collect();
    assert!(long.is_empty(), "files over {CEILING} lines: {long:?}");
    let (lines, file) = &lengths[lengths.len() * 9 / 10];
    assert!(*lines <= NINE_IN_TEN, "one file in ten is longer than {NINE_IN_TEN}: {file} {lines}");
}

#[test]
fn names_say_what_a_thing_is() {
    let faults: Vec<_> = all_sources()
        .iter()
        .filter(|file| {
            let name = file.file_stem().unwrap().to_string_lossy().into_owned();
            NAMES_THAT_SAY_NOTHING.contains(&name.as_str())
        })
        .map(|file| shown(file))
        .collect();
    assert_none(&faults, "files named for nothing");
}

#[test]
fn every_module_tells_its_story() {
    let faults: Vec<_> = all_sources()
        .iter()
        .filter(|file| !fs::read_to_string(file).unwrap().starts_with("//!"))
        .map(|file| shown(file))
        .collect();
    assert_none(&faults, "files that do not begin with what they are for");
}

#[test]
fn every_error_code_is_raised_somewhere() {
    let table = root().join("common/src/error/code.rs");
    let text = fs::read_to_string(&table).unwrap();
    let rows = text.split("\ncodes! {").nth(1).unwrap();
    let rows = rows.split("\n}").next().unwrap();
    let names: Vec<_> = rows
        .lines()
        .filter(|line| line.contains(" = \""))
        .map(|line| line.split('=').next().unwrap().trim())
        .collect();
    assert!(names.len() > 20, "the table was not understood");
    let code: String = all_sources()
        .iter()
        .filter(|file| **file != table && !shown(file).starts_with("tests"))
        .map(|file| code_of(file))
        .collect();
    let faults: Vec<_> = names
        .into_iter()
        .filter(|name| {
            let at = format!("ErrorCode::{name}");
            let used = code.match_indices(&at).any(|(start, _)| {
                !code[start + at.len()..].starts_with(|c: char| c.is_alphanumeric())
            });
            !used
        })
        .map(str::to_owned)
        .collect();
    assert_none(&faults, "codes that nothing raises");
}

#[test]
fn nothing_is_left_for_later_without_a_number() {
    let mut faults = Vec::new();
    for file in all_sources() {
        if file.ends_with("tidy.rs") {
            continue;
        }
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            let later = ["TODO", "FIXME", "XXX"].iter().any(|word| line.contains(word));
            let asleep = line.contains("thread::sleep(");
            if later || asleep || line.contains("#[ignore") {
                faults.push(format!("{}:{}: {}", shown(&file), number + 1, line.trim()));
            }
        }
    }
    assert_none(&faults, "left for later, asleep, or skipped");
}
