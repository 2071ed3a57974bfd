//! Calls of the program, and the files that the tests use.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use euca::environment::Environment;

/// The access key that the tests use.
pub(crate) const KEY: (&str, &str) =
    ("AKITESTTESTTESTTEST1", "secret-secret-secret-secret-secret-12345");

/// What a call of the program came to.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) status: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Calls the program with these variables, and no configuration of this machine.
pub(crate) fn call(arguments: &[&str], variables: &[(&str, &str)]) -> Called {
    let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    let own = [
        ("EUCA_CONFIG_PATH", "/absent"),
        ("AWS_ACCESS_KEY_ID", KEY.0),
        ("AWS_SECRET_ACCESS_KEY", KEY.1),
    ];
    let environment = Environment::new(own.into_iter().chain(variables.iter().copied()));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = euca::run(&arguments, &environment, &mut out, &mut err);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Called { status, out: text(out), err: text(err) }
}

/// A file of the bundles made by other tools.
pub(crate) fn golden(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/golden")).join(path)
}

/// The names in a directory, sorted.
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
