//! What this program is, and by which names it can be called.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Context, Execute, Failure};
use crate::staged::Staged;

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
    /// The directory, made if it is not there; links in it are replaced, files are not
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Write man pages and completions of bash, zsh and fish below this directory, /usr/local/share
    /// for instance
    #[arg(long, value_name = "DIR")]
    share: Option<PathBuf>,
    /// Remove what was installed
    #[arg(long)]
    remove: bool,
}

impl Execute for InstallLinks {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let program = std::env::current_exe()
            .map_err(|error| failed("this program does not find itself".to_owned(), error))?;
        if !self.remove {
            fs::create_dir_all(&self.directory)
                .map_err(|e| failed(format!("{} cannot be made", self.directory.display()), e))?;
        }
        for name in cx.links {
            let link = self.directory.join(name);
            match fs::symlink_metadata(&link) {
                Ok(there) if there.is_symlink() => fs::remove_file(&link)
                    .map_err(|e| failed(format!("{} cannot be removed", link.display()), e))?,
                Ok(_) => {
                    return Err(Failure::Client(format!(
                        "{} is there and is no link",
                        link.display()
                    )));
                }
                Err(_) if self.remove => continue,
                Err(_) => {}
            }
            if !self.remove {
                symlink(&program, &link)
                    .map_err(|e| failed(format!("{} cannot be made", link.display()), e))?;
            }
            writeln!(cx.out, "{}", link.display())?;
        }
        let Some(share) = &self.share else { return Ok(()) };
        for page in (cx.pages)() {
            let path = share.join(&page.path);
            match self.remove {
                true if !path.exists() => continue,
                true => fs::remove_file(&path)
                    .map_err(|e| failed(format!("{} cannot be removed", path.display()), e))?,
                false => written(&path, &page.bytes)
                    .map_err(|e| failed(format!("{} cannot be written", path.display()), e))?,
            }
            writeln!(cx.out, "{}", path.display())?;
        }
        Ok(())
    }
}

fn failed(what: String, error: io::Error) -> Failure {
    Failure::Client(format!("{what}: {error}"))
}

/// Writes a file, whole or not at all, in a directory that is made if it is not there.
fn written(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let staged = Staged::create(path, 0o644)?;
    staged.file()?.write_all(bytes)?;
    staged.commit().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;
    use crate::pages::Page;

    fn pages() -> Vec<Page> {
        vec![Page { path: "man/man1/x.1".to_owned(), bytes: b"text".to_vec() }]
    }

    #[test]
    fn links_are_made_and_made_again_but_files_stay() {
        let dir = tempfile::tempdir().unwrap();
        let share = dir.path().join("share");
        let call = |remove: bool| {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let environment = Environment::default();
            let mut cx = Context {
                program: "euca-install-links",
                links: &["euca-add-keypair", "euare-usercreate"].map(str::to_owned),
                pages,
                environment: &environment,
                out: &mut out,
                err: &mut err,
            };
            let directory = dir.path().to_owned();
            InstallLinks { directory, share: Some(share.clone()), remove }.run(&mut cx)
        };
        let install = || call(false);
        install().unwrap();
        install().unwrap();
        let link = dir.path().join("euca-add-keypair");
        assert_eq!(fs::read_link(&link).unwrap(), std::env::current_exe().unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
        let page = share.join("man/man1/x.1");
        assert_eq!(fs::read(&page).unwrap(), b"text");
        call(true).unwrap();
        call(true).unwrap();
        assert!(!page.exists());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        install().unwrap();
        fs::remove_file(&link).unwrap();
        fs::write(&link, "mine").unwrap();
        assert!(install().is_err());
        assert_eq!(fs::read(&link).unwrap(), b"mine");
    }
}
