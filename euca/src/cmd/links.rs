//! What this program is, and by which names it can be called.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use clap::Args;

use super::{Context, Execute, Failure};

/// The program's name and version.
pub(crate) fn version() -> String {
    format!("euca {}", env!("CARGO_PKG_VERSION"))
}

/// Options of `euca-version`: none.
#[derive(Debug, Args)]
pub(crate) struct Version {}

impl Execute for Version {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        Ok(writeln!(cx.out, "{}", version())?)
    }
}

/// Options of `euca install-links`.
#[derive(Debug, Args)]
pub(crate) struct InstallLinks {
    /// The directory; links that are there are replaced, files are not
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl Execute for InstallLinks {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let fail =
            |what: String, error: std::io::Error| Failure::Client(format!("{what}: {error}"));
        let program = std::env::current_exe()
            .map_err(|error| fail("this program does not find itself".to_owned(), error))?;
        for name in cx.links {
            let link = self.directory.join(format!("euca-{name}"));
            match fs::symlink_metadata(&link) {
                Ok(there) if there.is_symlink() => fs::remove_file(&link)
                    .map_err(|e| fail(format!("{} cannot be replaced", link.display()), e))?,
                Ok(_) => {
                    return Err(Failure::Client(format!(
                        "{} is there and is no link",
                        link.display()
                    )));
                }
                Err(_) => {}
            }
            symlink(&program, &link)
                .map_err(|e| fail(format!("{} cannot be made", link.display()), e))?;
            writeln!(cx.out, "{}", link.display())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;

    #[test]
    fn links_are_made_and_made_again_but_files_stay() {
        let dir = tempfile::tempdir().unwrap();
        let install = || {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let environment = Environment::default();
            let mut cx = Context {
                program: "euca-install-links",
                links: &["add-keypair", "describe-images"],
                environment: &environment,
                out: &mut out,
                err: &mut err,
            };
            InstallLinks { directory: dir.path().to_owned() }.run(&mut cx)
        };
        install().unwrap();
        install().unwrap();
        let link = dir.path().join("euca-add-keypair");
        assert_eq!(fs::read_link(&link).unwrap(), std::env::current_exe().unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        fs::remove_file(&link).unwrap();
        fs::write(&link, "mine").unwrap();
        assert!(install().is_err());
        assert_eq!(fs::read(&link).unwrap(), b"mine");
    }
}
