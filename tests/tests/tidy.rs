//! The house keeps its own rules: who may know whom, how long a file may be, what nothing is
//! called, and that no row of a table stands there for nothing.
#![expect(clippy::unwrap_used, reason = "a test may fail at once")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
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
    ("actix-http", &["runtime"]),
    ("hyper-util", &["runtime", "node-agent"]),
    ("aes", &["bundle"]),
    ("cbc", &["bundle"]),
    ("flate2", &["bundle"]),
    ("libdeflater", &["bundle"]),
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
    let parts = ["src", "tests", "benches", "fuzz/src", "fuzz/fuzz_targets"];
    parts.iter().flat_map(|part| sources(&folder.join(part))).collect()
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

/// One file as a module: where it stands, what it says, whom it contains.
struct Module {
    file: PathBuf,
    code: String,
    children: Vec<String>,
    /// Names that it passes on from its children, each with the path to what it stands for.
    passed_on: BTreeMap<String, Vec<String>>,
}

type Modules = BTreeMap<Vec<String>, Module>;

fn read_modules(src: &Path) -> Modules {
    let files = modules(src);
    let mut read = Modules::new();
    for (own, file) in &files {
        let below = |path: &&Vec<String>| path.len() == own.len() + 1 && path.starts_with(own);
        let children: Vec<_> =
            files.keys().filter(below).filter_map(|p| p.last().cloned()).collect();
        let (mut code, mut passed_on) = (String::new(), BTreeMap::new());
        for (at, statement) in code_of(file).split_inclusive(';').enumerate() {
            let said = statement.trim_start();
            let open = said.starts_with("pub use ") || said.starts_with("pub(");
            let said = said.split_once("use ").filter(|(before, _)| open && !before.contains('\n'));
            let mut named = Vec::new();
            if let Some((_, tree)) = said.filter(|(_, tree)| children.contains(&word(tree))) {
                branches(tree, own, &mut named);
            } else if at == 0 || !statement.trim_start().starts_with("mod ") {
                code.push_str(statement);
            }
            passed_on
                .extend(named.into_iter().filter_map(|path| Some((path.last()?.clone(), path))));
        }
        read.insert(own.clone(), Module { file: file.clone(), code, children, passed_on });
    }
    read
}

/// The file that a path leads to: the longest part of it that is a module, or what that one
/// passes on by the next name.
fn file_of<'a>(modules: &'a Modules, path: &[String]) -> Option<&'a PathBuf> {
    let (end, module) =
        (0..=path.len()).rev().find_map(|end| Some((end, modules.get(&path[..end])?)))?;
    match path.get(end).and_then(|name| module.passed_on.get(name)) {
        Some(there) if there != path => file_of(modules, there),
        _ => Some(&module.file),
    }
}

fn word(text: &str) -> String {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_'));
    text[..end.unwrap_or(text.len())].to_owned()
}

/// Adds the paths of a use tree that hangs on `trunk` and returns what follows it.
fn branches<'a>(text: &'a str, trunk: &[String], found: &mut Vec<Vec<String>>) -> &'a str {
    if let Some(mut rest) = text.strip_prefix('{') {
        while let Some(branch) = rest.trim_start().strip_prefix(',').or(Some(rest.trim_start())) {
            let branch = branch.trim_start();
            if branch.is_empty() || branch.starts_with('}') {
                return branch.strip_prefix('}').unwrap_or_default();
            }
            let after = branches(branch, trunk, found);
            rest = after.find([',', '}']).map_or("", |end| &after[end..]);
        }
    }
    let step = word(text);
    let rest = &text[step.len()..];
    let path: Vec<_> = match step.as_str() {
        "" | "self" => trunk.to_vec(),
        _ => trunk.iter().cloned().chain([step]).collect(),
    };
    match rest.strip_prefix("::") {
        Some(rest) => branches(rest, &path, found),
        None => {
            found.push(path);
            rest
        }
    }
}

/// Every path in a module's code that begins at the crate, above it, or at one of its children.
fn paths(own: &[String], module: &Module) -> Vec<Vec<String>> {
    let text = module.code.as_str();
    let starts = |word: &str| {
        let free = |at: &usize| {
            let before = text[..*at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '$' | '.'))
        };
        text.match_indices(word).map(|(at, _)| at).filter(free).collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    for at in starts("crate::") {
        branches(&text[at + "crate::".len()..], &[], &mut found);
    }
    for at in starts("super::") {
        let (mut rest, mut trunk) = (&text[at..], own.to_vec());
        while let Some(after) = rest.strip_prefix("super::") {
            (rest, _) = (after, trunk.pop());
        }
        branches(rest, &trunk, &mut found);
    }
    for child in &module.children {
        for at in starts(&format!("{child}::")) {
            branches(&text[at..], own, &mut found);
        }
    }
    for (name, path) in &module.passed_on {
        let whole = |at: &usize| word(&text[*at..]) == *name;
        if starts(name).iter().any(whole) {
            found.push(path.clone());
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

type Arrows = BTreeMap<PathBuf, BTreeSet<PathBuf>>;

fn arrows_in(src: &Path) -> Arrows {
    let modules = read_modules(src);
    let mut arrows = Arrows::new();
    for (own, module) in &modules {
        let to = paths(own, module).into_iter().filter_map(|path| file_of(&modules, &path));
        let others = to.filter(|file| **file != module.file).cloned();
        arrows.insert(module.file.clone(), others.collect());
    }
    arrows
}

/// The arrows between what lies directly in a crate: files there, and folders as one.
fn between_rooms(src: &Path, arrows: &Arrows) -> Arrows {
    let room = |file: &Path| {
        src.join(file.strip_prefix(src).unwrap().iter().next().unwrap()).with_extension("")
    };
    let mut rooms = Arrows::new();
    for (file, to) in arrows {
        let others = to.iter().map(|file| room(file)).filter(|other| *other != room(file));
        rooms.entry(room(file)).or_default().extend(others);
    }
    rooms
}

#[test]
fn nothing_knows_itself_through_others() {
    let mut faults = BTreeSet::new();
    for (name, folder, _) in CRATES {
        let src = root().join(folder).join("src");
        let files = arrows_in(&src);
        for arrows in [between_rooms(&src, &files), files] {
            for start in arrows.keys() {
                // Each circle is told once, from its first on.
                let circle = circle_through(start, &arrows);
                if let Some(circle) = circle.filter(|c| c.iter().min() == Some(&start)) {
                    let circle: Vec<_> = circle.iter().map(|f| shown(f)).collect();
                    faults.insert(format!("{name}: {}", circle.join(" → ")));
                }
            }
        }
    }
    assert_none(&faults.into_iter().collect::<Vec<_>>(), "circles of imports");
}

fn circle_through<'a>(start: &'a PathBuf, arrows: &'a Arrows) -> Option<Vec<&'a PathBuf>> {
    let mut came: BTreeMap<&PathBuf, &PathBuf> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for next in arrows.get(at).into_iter().flatten() {
            if next == start {
                let mut circle = vec![start];
                let mut back = at;
                while back != start {
                    circle.push(back);
                    back = came[back];
                }
                circle.push(start);
                circle.reverse();
                return Some(circle);
            }
            if !came.contains_key(next) {
                came.insert(next, at);
                queue.push_back(next);
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

/// The lines of a file that test something, with their numbers: all of them below `tests`, else
/// those of its `mod tests`.
fn test_lines<'a>(file: &Path, text: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let whole = Path::new(&shown(file)).iter().any(|part| part == "tests");
    let skipped = match text.find("\n#[cfg(test)]\nmod tests") {
        _ if whole => 0,
        Some(at) => text[..at].lines().count(),
        None => usize::MAX,
    };
    (1..).zip(text.lines()).skip(skipped)
}

#[test]
fn no_test_sleeps_but_between_two_looks() {
    let mut faults = Vec::new();
    for file in all_sources() {
        if file.ends_with("tidy.rs") {
            continue;
        }
        let mut function = String::new();
        for (number, line) in test_lines(&file, &fs::read_to_string(&file).unwrap()) {
            if let Some((_, named)) = line.split_once("fn ") {
                function = word(named);
            }
            // A function named so looks again and again until something holds or time is up.
            let looks = function.starts_with("until") || function.starts_with("wait");
            let pauses = line.contains("time::sleep(") && looks;
            if line.contains("sleep(") && !pauses {
                faults.push(format!("{}:{number}: {}", shown(&file), line.trim()));
            }
        }
    }
    assert_none(&faults, "tests that sleep");
}

#[test]
fn nothing_is_left_for_later_or_skipped() {
    let mut faults = Vec::new();
    for file in all_sources() {
        if file.ends_with("tidy.rs") {
            continue;
        }
        for (number, line) in (1..).zip(fs::read_to_string(&file).unwrap().lines()) {
            if ["TODO", "FIXME", "XXX", "#[ignore"].iter().any(|word| line.contains(word)) {
                faults.push(format!("{}:{number}: {}", shown(&file), line.trim()));
            }
        }
    }
    assert_none(&faults, "left for later, or skipped");
}

/// The names before `=` or `.` in a table of a Cargo.toml.
fn keys_of<'a>(manifest: &'a str, table: &str) -> impl Iterator<Item = &'a str> {
    let table = manifest.split(&format!("\n[{table}]\n")).nth(1).unwrap_or_default();
    let lines = table.split("\n[").next().unwrap_or_default().lines();
    lines.filter(|line| line.contains('=')).filter_map(|line| line.split(['.', ' ', '=']).next())
}

#[test]
fn every_dependency_is_used_and_has_its_reason() {
    let whole = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let docs = fs::read_to_string(root().join("docs/dependencies.md")).unwrap();
    let own: BTreeSet<_> = CRATES.iter().map(|(name, ..)| *name).collect();
    let listed: BTreeSet<_> =
        keys_of(&whole, "workspace.dependencies").filter(|name| !own.contains(name)).collect();
    let rows = docs.lines().filter_map(|line| line.strip_prefix("| ")).skip(1);
    let reasoned: BTreeSet<_> = rows
        .flat_map(|row| row.split('|').next().unwrap_or_default().split(','))
        .filter_map(|name| name.split_whitespace().next())
        .collect();
    let mut faults = Vec::new();
    for name in listed.symmetric_difference(&reasoned) {
        faults.push(format!("{name} is in only one of Cargo.toml and docs/dependencies.md"));
    }
    let mut used = BTreeSet::new();
    for (member, folder, _) in CRATES {
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        let files = crate_sources(folder);
        let code: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
        let (normal, dev) = (keys_of(&manifest, "dependencies"), "dev-dependencies");
        for name in normal.chain(keys_of(&manifest, dev)).filter(|name| !own.contains(name)) {
            // The one package whose crate has another name.
            let named = if name == "md-5" { "md5".to_owned() } else { name.replace('-', "_") };
            if !code.contains(&format!("{named}::")) {
                faults.push(format!("{member} does not use {name}"));
            }
            used.insert(name.to_owned());
        }
    }
    let unused = listed.iter().filter(|name| !used.contains(**name));
    faults.extend(unused.map(|name| format!("nobody uses {name}")));
    assert_none(&faults, "dependencies without a use or a reason");
}

#[test]
fn documents_name_what_is_there() {
    let mut faults = Vec::new();
    let tops: Vec<_> = fs::read_dir(root()).unwrap().flatten().map(|e| e.file_name()).collect();
    let docs = ["README.md", "docs/architecture.md", "docs/dependencies.md", "docs/testing.md"];
    let files: Vec<_> = all_sources().iter().map(|file| shown(file)).collect();
    for doc in docs {
        let text = fs::read_to_string(root().join(doc)).unwrap();
        for span in text.split('`').skip(1).step_by(2) {
            let path = span.split(' ').next().unwrap_or_default();
            let ours = path.split_once('/').is_some_and(|(top, _)| tops.iter().any(|t| t == top));
            let absent = match ours {
                true => !root().join(path).exists(),
                false => path.ends_with(".rs") && !files.iter().any(|f| f.ends_with(path)),
            };
            // What a run makes is not in the repository.
            if absent && !path.starts_with("var/") && !path.starts_with("target/") {
                faults.push(format!("{doc}: {path}"));
            }
        }
    }
    assert_none(&faults, "documents that name what is not there");
}
