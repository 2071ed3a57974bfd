//! Signing certificates.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::holders::{AnyUser, OneUser, Whose};
use super::iam::{block, file_text, print};
use crate::cmd::{Context, Execute, Failure};
use crate::row::Row;
use crate::staged::Staged;

pub(super) const ROWS: &[Row] = &[
    Row::of::<Create>(&["euare-usercreatecert"], "Make a signing certificate with its private key"),
    Row::of::<Upload>(&["euare-useraddcert"], "Upload a signing certificate"),
    Row::of::<List>(&["euare-userlistcerts"], "List a user's signing certificates"),
    Row::of::<Modify>(&["euare-usermodcert"], "Activate a signing certificate, or deactivate it"),
    Row::of::<Delete>(&["euare-userdelcert"], "Remove a signing certificate"),
];

/// Options of `euare-usercreatecert`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    #[command(flatten)]
    user: AnyUser,
    /// Write the certificate to this file instead of printing it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write the private key to this file, readable by its owner only, instead of printing it
    #[arg(long, value_name = "FILE")]
    keyout: Option<PathBuf>,
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::Client(format!("{} cannot be written: {error}", path.display()))
}

fn staged(path: Option<&PathBuf>, mode: u32) -> Result<Option<Staged>, Failure> {
    let stage = |path: &PathBuf| Staged::create(path, mode).map_err(|e| unwritable(path, &e));
    path.map(stage).transpose()
}

/// Writes a text to its file, or prints it if it has none.
fn put(
    cx: &mut Context<'_>,
    text: &str,
    path: Option<&PathBuf>,
    staged: Option<Staged>,
) -> Result<(), Failure> {
    let (Some(path), Some(staged)) = (path, staged) else { return block(cx, text) };
    let written = staged.file().and_then(|mut file| {
        writeln!(file, "{}", text.trim_end())?;
        file.sync_all()
    });
    written.and_then(|()| staged.commit()).map(drop).map_err(|e| unwritable(path, &e))
}

impl Execute for Create {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let iam = self.user.on.iam(cx)?;
        // The key is told once: whether there is a place for it has to be known before.
        let (certificate, key) =
            (staged(self.out.as_ref(), 0o644)?, staged(self.keyout.as_ref(), 0o600)?);
        let named = [("UserName", self.user.name.as_deref())];
        let made = iam.ask("CreateSigningCertificate", &named)?;
        let text = |path| made.text(path).unwrap_or_default();
        print(cx, &made, &["Certificate/CertificateId"])?;
        put(cx, text("Certificate/CertificateBody"), self.out.as_ref(), certificate)?;
        put(cx, text("Certificate/PrivateKey"), self.keyout.as_ref(), key)
    }
}

/// Options of `euare-useraddcert`.
#[derive(Debug, Args)]
pub(crate) struct Upload {
    #[command(flatten)]
    user: OneUser,
    /// The certificate, PEM
    #[arg(short, long, value_name = "CERT_CONTENT", group = "certificate")]
    certificate_body: Option<String>,
    /// The file with the certificate, PEM; - for standard input
    #[arg(short = 'f', long, value_name = "FILE", group = "certificate", required = true)]
    certificate_file: Option<PathBuf>,
}

impl Execute for Upload {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let body = match (self.certificate_body, &self.certificate_file) {
            (Some(body), _) => body,
            (None, Some(path)) => file_text(path)?,
            (None, None) => return Err(Failure::Usage("-c or -f is needed".to_owned())),
        };
        let asked =
            [("UserName", Some(self.user.name.as_str())), ("CertificateBody", Some(&*body))];
        let made = self.user.on.iam(cx)?.ask("UploadSigningCertificate", &asked)?;
        print(cx, &made, &["Certificate/CertificateId"])
    }
}

/// Options of `euare-userlistcerts`.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    user: AnyUser,
    /// Print the certificates themselves, too
    #[arg(short, long)]
    verbose: bool,
}

impl Execute for List {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let named = [("UserName", self.user.name.as_deref())];
        let iam = self.user.on.iam(cx)?;
        let (found, _) = iam.list("ListSigningCertificates", "Certificates", &named)?;
        for certificate in &found {
            print(cx, certificate, &["CertificateId"])?;
            if self.verbose {
                block(cx, certificate.text("CertificateBody").unwrap_or_default())?;
            }
            print(cx, certificate, &["Status", "UserName"])?;
        }
        Ok(())
    }
}

/// A signing certificate.
#[derive(Debug, Args)]
struct OneCertificate {
    /// The certificate's id
    #[arg(value_name = "CERT")]
    id: String,
    #[arg(short = 'c', long = "certificate-id", hide = true)]
    _flag: bool,
    #[command(flatten)]
    whose: Whose,
}

impl OneCertificate {
    fn ask(
        &self,
        cx: &Context<'_>,
        action: &'static str,
        status: Option<&str>,
    ) -> Result<(), Failure> {
        let asked = [
            ("CertificateId", Some(self.id.as_str())),
            ("UserName", self.whose.user_name.as_deref()),
            ("Status", status),
        ];
        self.whose.on.iam(cx)?.ask(action, &asked).map(drop)
    }
}

/// Options of `euare-usermodcert`.
#[derive(Debug, Args)]
pub(crate) struct Modify {
    #[command(flatten)]
    certificate: OneCertificate,
    /// What it shall be
    #[arg(short, long, value_name = "STATUS", value_parser = ["Active", "Inactive"])]
    status: String,
}

impl Execute for Modify {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        self.certificate.ask(cx, "UpdateSigningCertificate", Some(&self.status))
    }
}

/// Options of `euare-userdelcert`.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    certificate: OneCertificate,
}

impl Execute for Delete {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        self.certificate.ask(cx, "DeleteSigningCertificate", None)
    }
}
