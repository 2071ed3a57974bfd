//! The files by which a user uses the cloud: as a zip, or where they are to lie.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use common::administration::credentials::GetCredentials;

use super::asking::{ACCOUNTS, ask};
use crate::cmd::{Context, Execute, Failure};
use crate::options::Remote;
use crate::staged::Staged;

/// Options of `euca-get-credentials`.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The zip to write, or the directory to write the files into if the name does not end in .zip
    #[arg(value_name = "FILE.zip|DIRECTORY")]
    destination: PathBuf,
    /// The user they are for; your own account if absent
    #[arg(short, long, value_name = "USERNAME")]
    user: Option<String>,
    /// Access keys alone, without a certificate
    #[arg(short, long)]
    keys_only: bool,
    #[command(flatten)]
    remote: Remote,
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::Client(format!("{} cannot be written: {error}", path.display()))
}

impl Execute for Get {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let is_zip = self.destination.extension().is_some_and(|it| it.eq_ignore_ascii_case("zip"));
        let kind = self.keys_only.then(|| "keys".to_owned());
        let asked = GetCredentials { user_name: self.user, kind, directory: None };
        match is_zip {
            true => zip(cx, &self.remote, &self.destination, &asked),
            false => directory(cx, &self.remote, &self.destination, asked),
        }
    }
}

/// A file that nothing is there in the place of: credentials are not overwritten.
fn staged(path: &Path, secret: bool) -> Result<Staged, Failure> {
    if path.symlink_metadata().is_ok() {
        return Err(Failure::Client(format!("{} is there already", path.display())));
    }
    Staged::create(path, if secret { 0o600 } else { 0o644 }).map_err(|e| unwritable(path, &e))
}

fn put(staged: Staged, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = staged.file().and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.and_then(|()| staged.commit()).map(drop).map_err(|e| unwritable(path, &e))
}

fn zip(
    cx: &mut Context<'_>,
    remote: &Remote,
    path: &Path,
    asked: &GetCredentials,
) -> Result<(), Failure> {
    // Whether there is a place for them has to be known before they are made.
    let staged = staged(path, true)?;
    let made = ask(cx, remote, ACCOUNTS, asked)?;
    let bytes = STANDARD
        .decode(made.base64.trim())
        .map_err(|error| Failure::Client(format!("the answer holds no zip: {error}")))?;
    put(staged, path, &bytes)?;
    Ok(writeln!(cx.out, "{}", path.display())?)
}

fn directory(
    cx: &mut Context<'_>,
    remote: &Remote,
    path: &Path,
    asked: GetCredentials,
) -> Result<(), Failure> {
    let path = std::path::absolute(path).map_err(|e| unwritable(path, &e))?;
    if path.join("eucarc").symlink_metadata().is_ok() {
        let text = format!("{} holds credentials already", path.display());
        return Err(Failure::Client(text));
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&path)
        .map_err(|e| unwritable(&path, &e))?;
    let whole = path.to_str().ok_or_else(|| {
        Failure::Client(format!("{} is no UTF-8, which eucarc could not name", path.display()))
    })?;
    let asked = GetCredentials { directory: Some(whole.to_owned()), ..asked };
    let made = ask(cx, remote, ACCOUNTS, &asked)?;
    for file in &made.files.item {
        // The answer says names, never ways.
        let mut parts = Path::new(&file.name).components();
        let plain = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
        if !plain {
            return Err(Failure::Client(format!("'{}' is no name of a file", file.name)));
        }
        let at = path.join(&file.name);
        put(staged(&at, file.secret)?, &at, file.text.as_bytes())?;
    }
    Ok(writeln!(cx.out, "{}", path.join("eucarc").display())?)
}
