//! Whose keys a bundle is made with: the options that name them, and the keys read from their files.

use std::fs;
use std::path::{Path, PathBuf};

use bundle::keys::KeyError;
use bundle::{Certificate, PrivateKey, Recipients};
use clap::Args;

use crate::cmd::Failure;
use crate::config::Settings;

/// Options of every command that makes a bundle.
#[derive(Debug, Clone, Args)]
pub(crate) struct BundleKeys {
    /// Your private key; without one the bundle is not signed
    #[arg(short = 'k', long, value_name = "FILE")]
    privatekey: Option<PathBuf>,
    /// Your certificate; without one only the cloud can open the bundle
    #[arg(short, long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// The cloud's certificate
    #[arg(long, value_name = "FILE")]
    ec2cert: Option<PathBuf>,
    /// Your account number
    #[arg(short, long, value_name = "ACCOUNT")]
    user: Option<String>,
    #[command(flatten)]
    bootstrap: Bootstrap,
}

/// Where other clouds give out their certificate, which is asked for only where none is at hand.
#[derive(Debug, Clone, Args)]
struct Bootstrap {
    #[arg(long, hide = true)]
    bootstrap_url: Option<String>,
    #[arg(long, hide = true)]
    bootstrap_service: Option<String>,
    #[arg(long, hide = true)]
    bootstrap_auth: Option<String>,
}

impl Bootstrap {
    /// Why there is no certificate of the cloud.
    fn no_certificate(&self) -> Failure {
        let how = "give --ec2cert or set EUCALYPTUS_CERT";
        let told = [
            ("--bootstrap-url", &self.bootstrap_url),
            ("--bootstrap-service", &self.bootstrap_service),
            ("--bootstrap-auth", &self.bootstrap_auth),
        ];
        match told.into_iter().find(|(_, value)| value.is_some()) {
            Some((option, _)) => Failure::Usage(format!(
                "argument {option}: the cloud's certificate is not fetched from a service; {how}"
            )),
            None => Failure::Client(format!("no certificate of the cloud: {how}")),
        }
    }
}

/// The keys of a bundle, read.
pub(crate) struct Keyring {
    cloud: Certificate,
    user: Option<Certificate>,
    signer: Option<PrivateKey>,
    account: String,
}

impl BundleKeys {
    /// Reads the files that options and settings name.
    pub(crate) fn read(&self, settings: &Settings) -> Result<Keyring, Failure> {
        let account =
            self.user.clone().or_else(|| settings.account()).ok_or_else(|| {
                Failure::Client("no account: give -u or set EC2_USER_ID".to_owned())
            })?;
        let digits = account.replace('-', "");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Failure::Client(format!("'{account}' is not an account number")));
        }
        let told = |told: &Option<PathBuf>, set: Option<PathBuf>| told.clone().or(set);
        let cloud = told(&self.ec2cert, settings.cloud_certificate())
            .ok_or_else(|| self.bootstrap.no_certificate())?;
        let cloud = pem(&cloud, Certificate::from_pem)?;
        let user = told(&self.cert, settings.certificate());
        let user = user.map(|path| pem(&path, Certificate::from_pem)).transpose()?;
        let signer = told(&self.privatekey, settings.private_key());
        let signer = signer.map(|path| pem(&path, PrivateKey::from_pem)).transpose()?;
        if let (Some(user), Some(signer)) = (&user, &signer) {
            let probe = [7; 20];
            if !signer.sign(&probe).is_ok_and(|signature| user.verifies(&probe, &signature)) {
                return Err(Failure::Client(
                    "the private key and the certificate do not belong together".to_owned(),
                ));
            }
        }
        Ok(Keyring { cloud, user, signer, account: digits })
    }
}

impl Keyring {
    /// The keys as the bundler wants them.
    pub(crate) fn recipients(&self) -> Recipients<'_> {
        Recipients { cloud: &self.cloud, user: self.user.as_ref(), signer: self.signer.as_ref() }
    }

    /// The account that the bundle is made for, digits.
    pub(crate) fn account(&self) -> &str {
        &self.account
    }
}

/// Reads a PEM file.
pub(crate) fn pem<T>(path: &Path, parse: fn(&[u8]) -> Result<T, KeyError>) -> Result<T, Failure> {
    let fail = |why: &dyn std::fmt::Display| Failure::Client(format!("{}: {why}", path.display()));
    let bytes = fs::read(path).map_err(|error| fail(&error))?;
    parse(&bytes).map_err(|error| fail(&error))
}

/// The private key that opens bundles: the one told, or that of the settings.
pub(crate) fn private_key(
    told: Option<&Path>,
    settings: &Settings,
) -> Result<Option<PrivateKey>, Failure> {
    let path = told.map(Path::to_owned).or_else(|| settings.private_key());
    path.map(|path| pem(&path, PrivateKey::from_pem)).transpose()
}
