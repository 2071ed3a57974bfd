//! euca2ools.ini: `[global]`, `[region NAME]`, `[user NAME]`, from several files.
//!
//! A later file wins over an earlier one, key by key. A region's own section wins over those of
//! the names before its colons (`cloud:eu` takes what it does not say from `cloud`), and these over
//! sections with wildcards. Keys that nobody asks for are not looked at.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::environment::Environment;

/// A configuration file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IniError {
    /// It cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is none of a section, `key = value`, a comment and nothing.
    #[error("{}: line {line} is neither a section nor 'key = value'", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

/// The sections of all files together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ini {
    sections: BTreeMap<String, BTreeMap<String, String>>,
}

impl Ini {
    /// Reads the files that the environment names in `EUCA_CONFIG_PATH`, or those in their usual
    /// places; a file that is not there is no error.
    pub(crate) fn load(environment: &Environment) -> Result<Self, IniError> {
        let mut ini = Self::default();
        for path in files(environment) {
            match fs::read_to_string(&path) {
                Ok(text) => ini.read(&path, &text)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(IniError::Read { path, source }),
            }
        }
        Ok(ini)
    }

    fn read(&mut self, path: &Path, text: &str) -> Result<(), IniError> {
        let mut section = None;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            let malformed = || IniError::Line { path: path.to_owned(), line: index + 1 };
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
                self.sections.entry(name.clone()).or_default();
                section = Some(name);
                continue;
            }
            let at = line.find(['=', ':']).ok_or_else(malformed)?;
            let (key, value) = (line[..at].trim(), line[at + 1..].trim());
            let entries = section.as_ref().and_then(|name| self.sections.get_mut(name));
            let entries = entries.filter(|_| !key.is_empty()).ok_or_else(malformed)?;
            entries.insert(key.to_ascii_lowercase(), value.to_owned());
        }
        Ok(())
    }

    /// A value of `[global]`.
    pub(crate) fn global(&self, key: &str) -> Option<&str> {
        self.value("global", key)
    }

    /// A value of a region.
    pub(crate) fn region(&self, name: &str, key: &str) -> Option<&str> {
        self.named("region", name, key)
    }

    /// A value of a user.
    pub(crate) fn user(&self, name: &str, key: &str) -> Option<&str> {
        self.named("user", name, key)
    }

    /// Whether anything is said about a user.
    pub(crate) fn has_user(&self, name: &str) -> bool {
        candidates(name).any(|name| self.sections.contains_key(&format!("user {name}")))
            || self.wild("user", name).next().is_some()
    }

    fn named(&self, kind: &str, name: &str, key: &str) -> Option<&str> {
        candidates(name)
            .find_map(|name| self.value(&format!("{kind} {name}"), key))
            .or_else(|| self.wild(kind, name).find_map(|section| self.value(section, key)))
    }

    fn wild<'a>(&'a self, kind: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
        // Longer patterns say more.
        let mut sections: Vec<&str> = self
            .sections
            .keys()
            .map(String::as_str)
            .filter(|section| {
                let pattern = section.strip_prefix(kind).and_then(|rest| rest.strip_prefix(' '));
                pattern.is_some_and(|pattern| pattern.contains('*') && matches(pattern, name))
            })
            .collect();
        sections.sort_by_key(|section| std::cmp::Reverse(section.len()));
        sections.into_iter()
    }

    fn value(&self, section: &str, key: &str) -> Option<&str> {
        self.sections.get(section)?.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// `a:b:c`, `a:b`, `a`.
fn candidates(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| name.rsplit_once(':').map(|(before, _)| before))
}

fn files(environment: &Environment) -> Vec<PathBuf> {
    let globs: Vec<PathBuf> = match environment.get("EUCA_CONFIG_PATH") {
        Some(paths) => {
            paths.split(':').filter(|p| !p.is_empty()).map(|p| environment.expand(p)).collect()
        }
        None => ["/etc/euca2ools/euca2ools.ini", "/etc/euca2ools/conf.d/*.ini"]
            .iter()
            .map(PathBuf::from)
            .chain(environment.home().map(|home| home.join(".euca/*.ini")))
            .collect(),
    };
    globs.iter().flat_map(|glob| expanded(glob)).collect()
}

/// The files that a path with wildcards in its last component stands for, by name.
fn expanded(glob: &Path) -> Vec<PathBuf> {
    let pattern = glob.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if !pattern.contains(['*', '?']) {
        return vec![glob.to_owned()];
    }
    let directory = glob.parent().unwrap_or(Path::new("."));
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| matches(pattern, name)))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// Whether a text fits a pattern with `*` and `?`.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen, mut star) = (0, 0, None);
    while seen < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(c) if *c == '?' || *c == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((star_at, star_seen)) = star else { return false };
                star = Some((star_at, star_seen + 1));
                at = star_at + 1;
                seen = star_seen + 1;
            }
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ini(texts: &[&str]) -> Ini {
        let mut ini = Ini::default();
        texts.iter().for_each(|text| ini.read(Path::new("x.ini"), text).unwrap());
        ini
    }

    #[test]
    fn later_files_and_closer_names_win() {
        let ini = ini(&[
            "# c\n[global]\ndefault-region = cloud\n\n[region *]\nuser: all\ns3-url = http://any\n",
            "[region cloud]\nec2-url = http://a:1/x\nuser = u\n[region  cloud:eu]\nEC2-URL=http://b\n",
            "[region cloud]\nec2-url = http://c:1/x\n[user u]\nkey-id = AK\nsecret-key =\n",
        ]);
        assert_eq!(ini.global("default-region"), Some("cloud"));
        assert_eq!(ini.region("cloud", "ec2-url"), Some("http://c:1/x"));
        assert_eq!(ini.region("cloud:eu", "ec2-url"), Some("http://b"));
        assert_eq!(ini.region("cloud:eu", "user"), Some("u"));
        assert_eq!(ini.region("cloud:eu", "s3-url"), Some("http://any"));
        assert_eq!(ini.region("other", "user"), Some("all"));
        assert_eq!(ini.region("other", "ec2-url"), None);
        assert_eq!((ini.user("u", "key-id"), ini.user("u", "secret-key")), (Some("AK"), None));
        assert!(ini.has_user("u") && !ini.has_user("nobody"));
    }

    #[test]
    fn a_line_that_is_nothing_is_named() {
        for text in ["[global]\nwhat", "key = before any section", "[global]\n= v"] {
            let error = Ini::default().read(Path::new("x.ini"), text).unwrap_err();
            assert!(error.to_string().starts_with("x.ini: line"), "{error}");
        }
    }

    #[test]
    fn patterns() {
        for (pattern, text, fits) in [
            ("*.ini", "a.ini", true),
            ("*.ini", "a.ini.bak", false),
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("abc", "abc", true),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn files_are_found_by_wildcards() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.ini", "a.ini", "c.txt"] {
            fs::write(dir.path().join(name), "[global]\n").unwrap();
        }
        let path = format!("{0}/*.ini:{0}/absent.ini", dir.path().display());
        let environment = Environment::new([("EUCA_CONFIG_PATH", path)]);
        let names: Vec<_> =
            files(&environment).iter().map(|p| p.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["a.ini", "b.ini", "absent.ini"]);
        Ini::load(&environment).unwrap();
    }
}
