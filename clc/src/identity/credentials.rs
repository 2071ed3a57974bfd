//! The files of a credentials directory: eucarc, a certificate with its key, the cloud's
//! certificate, and the configuration of euca2ools 3.
//!
//! They are made without knowing where they will lie. [`FOLDER`] stands where a file says its
//! directory; [`place`] puts the directory there, quoted as that file's language wants it.

use std::fmt::Write as _;
use std::path::Path;

use common::error::ApiError;
use common::wire::admin::CredentialFile;

use crate::records::Records;
use crate::settings;

/// Stands in a file's text for the directory that it will lie in.
pub const FOLDER: &str = "@EUCA_KEY_DIR@";

/// The file that is sourced.
pub const EUCARC: &str = "eucarc";

/// Where the services are, as clients reach them.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// `http://HOST:8773`, without a path.
    pub clc: String,
    /// Walrus with the path that old clients need, `http://HOST:8774/services/Walrus`.
    pub walrus: String,
    /// The region's name.
    pub region: String,
    /// The certificate of the authority by which https is to be believed, PEM, if clients do not
    /// know it.
    pub authority: Option<String>,
    /// The host in these URLs, for which an administrator may say another.
    pub host: String,
}

/// The file of that certificate.
const AUTHORITY: &str = "tls-ca.pem";
/// The file of the cloud's certificate.
const CLOUD_CERTIFICATE: &str = "cloud-cert.pem";

impl Endpoints {
    /// These as they are now: under the host that an administrator has said. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub fn now(&self, records: &Records) -> Result<Self, ApiError> {
        let said = settings::get(records, settings::PUBLIC_HOST)?;
        if said.is_empty() {
            return Ok(self.clone());
        }
        let [clc, walrus] = [&self.clc, &self.walrus].map(|url| self.under(url, &said));
        Ok(Self { clc, walrus, host: said, ..self.clone() })
    }

    /// A URL at this host, at another one.
    pub fn under(&self, url: &str, other: &str) -> String {
        let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
        match rest.strip_prefix(self.host.as_str()) {
            Some(behind) if behind.is_empty() || behind.starts_with([':', '/']) => {
                format!("{scheme}://{other}{behind}")
            }
            _ => url.to_owned(),
        }
    }

    /// The URL of the EC2 API.
    pub fn ec2(&self) -> String {
        format!("{}/services/Eucalyptus", self.clc)
    }

    /// The URL of the IAM API.
    pub fn iam(&self) -> String {
        format!("{}/services/Euare", self.clc)
    }

    /// The URL of the STS API.
    pub fn sts(&self) -> String {
        format!("{}/services/Tokens", self.clc)
    }

    fn cloudtrail(&self) -> String {
        format!("{}/services/CloudTrail", self.clc)
    }
}

/// What is told to one user.
#[derive(Clone)]
pub struct Told<'a> {
    /// The account's name.
    pub alias: &'a str,
    /// The account's number.
    pub account: &'a str,
    /// The access key's id.
    pub access_key: &'a str,
    /// Its secret.
    pub secret: &'a str,
    /// The certificates, unless only access keys are told.
    pub certificates: Option<ToldCertificates<'a>>,
}

/// The certificates that are told to a user.
#[derive(Clone, Copy)]
pub struct ToldCertificates<'a> {
    /// The id of the user's own, eight hex digits.
    pub id: &'a str,
    /// It, PEM.
    pub certificate: &'a str,
    /// Its private key, PEM.
    pub private_key: &'a str,
    /// The cloud's certificate, PEM.
    pub cloud: &'a str,
}

impl ToldCertificates<'_> {
    /// What the names of the user's files begin with.
    fn base(&self, alias: &str) -> String {
        format!("euca2-{alias}-{}", self.id)
    }
}

/// Makes the files.
pub fn files(told: &Told<'_>, endpoints: &Endpoints) -> Vec<CredentialFile> {
    let file = |name: &str, text: String, secret: bool| CredentialFile {
        name: name.to_owned(),
        text,
        secret,
    };
    let authority = endpoints.authority.as_ref();
    let mut files = vec![
        file(EUCARC, eucarc(told, endpoints), true),
        file("euca2ools.ini", ini(told, endpoints), true),
    ];
    if let Some(it) = &told.certificates {
        let base = it.base(told.alias);
        files.extend([
            file(&format!("{base}-cert.pem"), it.certificate.to_owned(), false),
            file(&format!("{base}-pk.pem"), it.private_key.to_owned(), true),
            file(CLOUD_CERTIFICATE, it.cloud.to_owned(), false),
        ]);
    }
    files.extend(authority.map(|pem| file(AUTHORITY, pem.clone(), false)));
    files
}

fn eucarc(told: &Told<'_>, endpoints: &Endpoints) -> String {
    // bash and zsh know which file they read; other shells do not, so for them the directory is
    // the one that was written here, or the working directory if the files were moved there.
    let mut text = format!(
        "# The credentials of {alias} (account {account}). To use them: . {FOLDER}/{EUCARC}\n\
         if [ -n \"${{BASH_SOURCE:-}}\" ]; then\n\
         \x20   EUCA_KEY_DIR=$(CDPATH= cd -- \"$(dirname -- \"$BASH_SOURCE\")\" && pwd -P)\n\
         elif [ -n \"${{ZSH_VERSION:-}}\" ]; then\n\
         \x20   eval 'EUCA_KEY_DIR=${{(%):-%x}}'\n\
         \x20   EUCA_KEY_DIR=$(CDPATH= cd -- \"$(dirname -- \"$EUCA_KEY_DIR\")\" && pwd -P)\n\
         else\n\
         \x20   EUCA_KEY_DIR={FOLDER}\n\
         \x20   if [ ! -f \"$EUCA_KEY_DIR/{EUCARC}\" ] && [ -f \"./{EUCARC}\" ]; then\n\
         \x20       EUCA_KEY_DIR=.\n\
         \x20   fi\n\
         \x20   EUCA_KEY_DIR=$(CDPATH= cd -- \"$EUCA_KEY_DIR\" && pwd -P)\n\
         fi\n\
         export EUCA_KEY_DIR\n",
        alias = told.alias,
        account = told.account,
    );
    let s3_root = endpoints.walrus.trim_end_matches("/services/Walrus");
    let values = [
        ("EC2_URL", endpoints.ec2()),
        ("S3_URL", endpoints.walrus.clone()),
        ("EUARE_URL", endpoints.iam()),
        ("AWS_IAM_URL", endpoints.iam()),
        ("TOKEN_URL", endpoints.sts()),
        ("EC2_ACCESS_KEY", told.access_key.to_owned()),
        ("EC2_SECRET_KEY", told.secret.to_owned()),
        ("EC2_USER_ID", told.account.to_owned()),
        ("AWS_ACCESS_KEY_ID", told.access_key.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", told.secret.to_owned()),
        ("AWS_DEFAULT_REGION", endpoints.region.clone()),
        ("AWS_ENDPOINT_URL_EC2", endpoints.ec2()),
        ("AWS_ENDPOINT_URL_S3", s3_root.to_owned()),
        ("AWS_ENDPOINT_URL_IAM", endpoints.iam()),
        ("AWS_ENDPOINT_URL_STS", endpoints.sts()),
        ("AWS_ENDPOINT_URL_CLOUDTRAIL", endpoints.cloudtrail()),
    ];
    for (name, value) in values {
        // Writing to a String does not fail.
        let _ = writeln!(text, "export {name}={}", shell_quoted(&value));
    }
    let certificates = told.certificates.map(|it| {
        let base = it.base(told.alias);
        [
            ("EC2_CERT", format!("{base}-cert.pem")),
            ("EC2_PRIVATE_KEY", format!("{base}-pk.pem")),
            ("EUCALYPTUS_CERT", CLOUD_CERTIFICATE.to_owned()),
        ]
    });
    let authority = endpoints.authority.as_ref().map(|_| ("AWS_CA_BUNDLE", AUTHORITY.to_owned()));
    for (name, file) in certificates.into_iter().flatten().chain(authority) {
        let _ = writeln!(text, "export {name}=\"$EUCA_KEY_DIR/{file}\"");
    }
    text
}

fn ini(told: &Told<'_>, endpoints: &Endpoints) -> String {
    let Told { alias, account, access_key, secret, .. } = told;
    let region = &endpoints.region;
    let own = told.certificates.map_or_else(String::new, |it| {
        let base = it.base(alias);
        format!("certificate = {FOLDER}/{base}-cert.pem\nprivate-key = {FOLDER}/{base}-pk.pem\n")
    });
    let cloud = told
        .certificates
        .map_or_else(String::new, |_| format!("certificate = {FOLDER}/{CLOUD_CERTIFICATE}\n"));
    format!(
        "[global]\ndefault-region = {region}\n\n\
         [user {alias}]\nkey-id = {access_key}\nsecret-key = {secret}\naccount-id = {account}\n\
         {own}\n\
         [region {region}]\nuser = {alias}\nec2-url = {ec2}\ns3-url = {s3}\niam-url = {iam}\n\
         sts-url = {sts}\n{cloud}{authority}",
        ec2 = endpoints.ec2(),
        s3 = endpoints.walrus,
        iam = endpoints.iam(),
        sts = endpoints.sts(),
        authority = match &endpoints.authority {
            Some(_) => format!("ssl-ca = {FOLDER}/{AUTHORITY}\n"),
            None => String::new(),
        },
    )
}

/// The text of a file that will lie in `folder`.
pub fn place(file: &CredentialFile, folder: &Path) -> String {
    let folder = folder.to_string_lossy();
    let folder = if file.name == EUCARC { shell_quoted(&folder) } else { folder.into_owned() };
    file.text.replace(FOLDER, &folder)
}

/// A text as one word of a POSIX shell.
fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn told() -> Vec<CredentialFile> {
        let told = Told {
            alias: "taro",
            account: "123456789012",
            access_key: "AKI0",
            secret: "s3cr3t",
            certificates: Some(ToldCertificates {
                id: "0123abcd",
                certificate: "C\n",
                private_key: "K\n",
                cloud: "CC\n",
            }),
        };
        let endpoints = Endpoints {
            clc: "http://cloud:8773".into(),
            walrus: "http://cloud:8774/services/Walrus".into(),
            region: "eucalyptus".into(),
            authority: Some("CA\n".into()),
            host: "cloud".into(),
        };
        files(&told, &endpoints)
    }

    fn write_to(folder: &Path, recorded: &Path) {
        std::fs::create_dir_all(folder).unwrap();
        for file in told() {
            std::fs::write(folder.join(&file.name), place(&file, recorded)).unwrap();
        }
    }

    fn sourced(shell: &str, working: &Path, eucarc: &Path) -> Option<String> {
        let script = ". \"$1\" && echo \"$EC2_CERT|$EC2_URL|$AWS_ENDPOINT_URL_S3|${AWS_CA_BUNDLE##*/}|$EC2_USER_ID\"";
        let done = Command::new(shell)
            .args(["-euc", script, "sh"])
            .arg(eucarc)
            .current_dir(working)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .output()
            .ok()?;
        assert!(done.status.success(), "{shell}: {}", String::from_utf8_lossy(&done.stderr));
        Some(String::from_utf8(done.stdout).unwrap().trim().to_owned())
    }

    #[test]
    fn eucarc_is_sourced_by_every_shell_from_anywhere() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let folder = root.join("it's a 'folder'");
        write_to(&folder, &folder);
        let expected = format!(
            "{}/euca2-taro-0123abcd-cert.pem|http://cloud:8773/services/Eucalyptus|\
             http://cloud:8774|tls-ca.pem|123456789012",
            folder.display()
        );
        for shell in ["sh", "dash", "bash", "zsh"] {
            if let Some(said) = sourced(shell, &root, &folder.join(EUCARC)) {
                assert_eq!(said, expected, "{shell}");
            }
        }
        let relative = Path::new("it's a 'folder'").join(EUCARC);
        assert_eq!(sourced("bash", &root, &relative).unwrap(), expected);
    }

    #[test]
    fn a_directory_that_was_moved_still_works() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let moved = root.join("moved");
        write_to(&moved, &root.join("before"));
        for shell in ["sh", "bash"] {
            let said = sourced(shell, &moved, &moved.join(EUCARC)).unwrap();
            assert!(said.starts_with(&moved.display().to_string()), "{shell}: {said}");
        }
    }

    #[test]
    fn access_keys_alone_need_no_certificate() {
        let told = Told {
            alias: "taro",
            account: "123456789012",
            access_key: "AKI0",
            secret: "s3cr3t",
            certificates: None,
        };
        let endpoints = Endpoints {
            clc: "http://cloud:8773".into(),
            walrus: "http://cloud:8774/services/Walrus".into(),
            region: "eucalyptus".into(),
            authority: None,
            host: "cloud".into(),
        };
        let files = files(&told, &endpoints);
        assert_eq!(files.len(), 2);
        assert!(files.iter().all(|file| file.secret && !file.text.contains(".pem")));
    }

    #[test]
    fn secrets_are_marked_and_paths_are_absolute() {
        for file in told() {
            let secret = file.text.contains("s3cr3t") || file.text == "K\n";
            assert_eq!(file.secret, secret, "{}", file.name);
            assert!(!place(&file, Path::new("/x")).contains(FOLDER), "{}", file.name);
        }
    }
}
