//! The environment as a value: read once from the process, or made up by a test.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The variables of a process, and whether its errors go to a terminal.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    terminal: bool,
}

impl Environment {
    /// Reads this process's environment. Variables that are no UTF-8 are as good as absent.
    pub fn of_process() -> Self {
        Self { variables: decoded(std::env::vars_os()), terminal: io::stderr().is_terminal() }
    }

    /// Makes an environment of these variables, without a terminal.
    pub fn new<N: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables = variables.into_iter().map(|(n, v)| (n.into(), v.into())).collect();
        Self { variables, terminal: false }
    }

    /// The value of a variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The first of several variables that is set and not empty.
    pub fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }

    /// The user's home.
    pub fn home(&self) -> Option<&Path> {
        self.get("HOME").map(Path::new)
    }

    /// A path as people write it, with `~/` for the home.
    pub fn expand(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), self.home()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(path),
        }
    }

    /// Whether standard error is a terminal.
    pub fn terminal(&self) -> bool {
        self.terminal
    }

    /// This environment with the credentials and endpoints of an eucarc in place of its own: the
    /// file is a shell script and is run as one, as 1.3 does with `--config`. `replaced` names the
    /// variables that count only if the script itself sets them.
    ///
    /// # Errors
    /// If there is no shell, or the script fails.
    pub fn sourced(&self, file: &Path, replaced: &[&str]) -> io::Result<Self> {
        let path = std::path::absolute(file)?;
        let mut shell = Command::new("sh");
        shell.args(["-c", ". \"$0\" >/dev/null && env -0"]).arg(&path);
        shell
            .env_clear()
            .envs(self.variables.iter().filter(|(n, _)| !replaced.contains(&n.as_str())));
        let done = shell.output()?;
        if !done.status.success() {
            let told = String::from_utf8_lossy(&done.stderr);
            return Err(io::Error::other(told.trim().to_owned()));
        }
        let lines = String::from_utf8_lossy(&done.stdout).into_owned();
        let variables = lines
            .split('\0')
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Ok(Self { variables, terminal: self.terminal })
    }
}

fn decoded(pairs: impl Iterator<Item = (OsString, OsString)>) -> BTreeMap<String, String> {
    pairs.filter_map(|(n, v)| Some((n.into_string().ok()?, v.into_string().ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_an_absent_one() {
        let environment = Environment::new([("A", ""), ("B", "b"), ("HOME", "/home/t")]);
        assert_eq!(environment.first(&["A", "B"]), Some("b"));
        assert_eq!(environment.get("A"), None);
        assert_eq!(environment.expand("~/k.pem"), Path::new("/home/t/k.pem"));
        assert_eq!(environment.expand("/k.pem"), Path::new("/k.pem"));
    }

    #[test]
    fn a_sourced_file_replaces_credentials_and_keeps_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("eucarc");
        std::fs::write(
            &file,
            "echo noise\nHERE=$(dirname \"$0\")\nexport EC2_ACCESS_KEY=new EC2_CERT=\"${HERE}/c.pem\"\n",
        )
        .unwrap();
        let path = std::env::vars_os().find(|(n, _)| n == "PATH").unwrap().1;
        let outer = Environment::new([
            ("PATH", path.to_str().unwrap()),
            ("AWS_ACCESS_KEY_ID", "old"),
            ("OTHER", "kept"),
        ]);
        let inner = outer.sourced(&file, &["AWS_ACCESS_KEY_ID", "EC2_ACCESS_KEY"]).unwrap();
        assert_eq!(inner.get("EC2_ACCESS_KEY"), Some("new"));
        assert_eq!(inner.get("AWS_ACCESS_KEY_ID"), None);
        assert_eq!(inner.get("OTHER"), Some("kept"));
        let cert = dir.path().join("c.pem");
        assert_eq!(inner.get("EC2_CERT"), cert.to_str());
        assert!(outer.sourced(&dir.path().join("absent"), &[]).is_err());
    }
}
