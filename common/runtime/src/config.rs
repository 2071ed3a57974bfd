//! Configuration in layers: defaults in code, a TOML file, the environment, flags.
//!
//! A key that no program knows is refused by name. What may be changed while the cloud runs (the
//! cache's limit, default images) is no configuration but a record.

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// Why a configuration cannot be used; names the key and where it came from.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A file that was named does not exist.
    #[error("there is no configuration file {0}")]
    NoFile(PathBuf),
    /// A key is unknown, missing or of the wrong kind.
    #[error("{0}")]
    Invalid(String),
    /// It cannot be printed.
    #[error("the configuration cannot be written as TOML: {0}")]
    Print(#[from] toml::ser::Error),
}

/// Where a program's configuration comes from.
#[derive(Debug)]
pub struct Sources<'a> {
    /// The program, as in `/etc/eucalypt/PROGRAM.toml`.
    pub program: &'a str,
    /// What its environment variables begin with: `EUCALYPT_CLC__`; `__` also separates levels.
    pub environment: &'a str,
    /// `--config FILE`; it must exist then.
    pub file: Option<&'a Path>,
    /// Keys given as flags, `(key, value)`.
    pub flags: Vec<(&'a str, String)>,
}

/// Loads a configuration.
///
/// # Errors
/// Names the key at fault and the file or variable it stands in.
pub fn load<T: Serialize + DeserializeOwned + Default>(
    sources: &Sources<'_>,
) -> Result<T, ConfigError> {
    let file = match sources.file {
        Some(file) if !file.is_file() => return Err(ConfigError::NoFile(file.to_owned())),
        Some(file) => file.to_owned(),
        None => Path::new("/etc/eucalypt").join(format!("{}.toml", sources.program)),
    };
    let mut layers = Figment::from(Serialized::defaults(T::default()));
    // The default file may be missing; one that was named was looked for above.
    if file.is_file() {
        layers = layers.merge(Toml::file_exact(file));
    }
    layers = layers.merge(Env::prefixed(sources.environment).split("__"));
    for (key, value) in &sources.flags {
        layers = layers.merge(Serialized::default(key, value));
    }
    layers.extract().map_err(|error| {
        let each: Vec<_> = error.into_iter().map(|e| e.to_string()).collect();
        ConfigError::Invalid(each.join("; "))
    })
}

/// The configuration as TOML, for `--print-config`.
///
/// # Errors
/// If a value has no form in TOML.
pub fn print<T: Serialize>(config: &T) -> Result<String, ConfigError> {
    Ok(toml::to_string_pretty(config)?)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Sample {
        listen: String,
        walrus: Part,
    }

    #[derive(Debug, PartialEq, Default, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Part {
        url: String,
    }

    impl Default for Sample {
        fn default() -> Self {
            Self { listen: "0.0.0.0:1".into(), walrus: Part::default() }
        }
    }

    fn sources<'a>(file: Option<&'a Path>) -> Sources<'a> {
        Sources { program: "sample", environment: "EUCALYPT_SAMPLE__", file, flags: Vec::new() }
    }

    #[test]
    fn layers_cover_each_other_and_unknown_keys_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sample.toml");
        std::fs::write(&file, "[walrus]\nurl = 'http://w'\n").unwrap();
        let mut from = sources(Some(&file));
        from.flags.push(("listen", "127.0.0.1:2".into()));
        let sample: Sample = load(&from).unwrap();
        assert_eq!(sample.listen, "127.0.0.1:2");
        assert_eq!(sample.walrus.url, "http://w");
        assert!(print(&sample).unwrap().contains("url = \"http://w\""));
        std::fs::write(&file, "lisen = 'x'\n").unwrap();
        let error = load::<Sample>(&sources(Some(&file))).unwrap_err().to_string();
        assert!(error.contains("lisen"), "{error}");
        let absent = dir.path().join("absent.toml");
        assert!(matches!(load::<Sample>(&sources(Some(&absent))), Err(ConfigError::NoFile(_))));
    }
}
