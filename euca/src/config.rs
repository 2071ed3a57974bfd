//! Where to go, as whom, and with which files: flags, then the environment, then euca2ools.ini.
//!
//! | wanted | flag | environment | euca2ools.ini |
//! |---|---|---|---|
//! | access key | `-I -S` | `AWS_ACCESS_KEY_ID`…, `EC2_ACCESS_KEY`…, the file in `AWS_CREDENTIAL_FILE` | `key-id`, `secret-key` of the user |
//! | session token | `--security-token` | `AWS_SESSION_TOKEN`, `AWS_SECURITY_TOKEN` | – |
//! | endpoint | `-U` | `EC2_URL` or `AWS_ENDPOINT_URL_EC2`, `S3_URL` or `AWS_ENDPOINT_URL_S3`, `EUARE_URL`…, `TOKEN_URL`…, `EUCA_BOOTSTRAP_URL` | `ec2-url`, `s3-url`, `iam-url`, `sts-url`, `bootstrap-url` of the region |
//! | account | `-u` | `EC2_USER_ID` | `account-id` of the user |
//! | certificate, key | `-c -k` | `EC2_CERT`, `EUCA_CERT`, `EC2_PRIVATE_KEY`, `EUCA_PRIVATE_KEY` | `certificate`, `private-key` of the user |
//! | cloud's certificate | `--ec2cert` | `EUCALYPTUS_CERT` | `certificate` of the region |
//! | authorities of https | – | `AWS_CA_BUNDLE`… | `ssl-ca`, `verify-ssl` of the region or `[global]` |
//!
//! `--region USER@REGION` is a flag, too: a user or region that it names, and that the file knows,
//! goes before the environment. The first complete pair of keys wins; halves are never mixed, and a
//! session token goes with the pair of its own source only. Administration has no endpoint of its
//! own unless one is named: it is asked where EC2 is, at other paths.

use std::fs;
use std::path::PathBuf;

use crate::client::{
    ADMINISTRATION, Api, Client, ClientError, Credentials, EC2, IAM, STS, TRAIL, Trace,
};
use crate::environment::Environment;
use crate::ini::{Ini, IniError};
use crate::options::{Local, Remote};
use crate::s3::S3;
use crate::trust::{Trust, TrustError};

/// The region in a signature's scope if nothing says another.
const REGION: &str = "eucalyptus";

/// The variables that an eucarc given with `--config` must set itself to have them count.
const REPLACED: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_ACCESS_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_CREDENTIAL_FILE",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL_EC2",
    "AWS_ENDPOINT_URL_IAM",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_STS",
    "AWS_IAM_URL",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
    "EC2_ACCESS_KEY",
    "EC2_SECRET_KEY",
    "EC2_URL",
    "S3_URL",
    "EC2_USER_ID",
    "EC2_CERT",
    "EC2_PRIVATE_KEY",
    "EUCA_CERT",
    "EUCA_PRIVATE_KEY",
    "EUCALYPTUS_CERT",
    "EUARE_URL",
    "EUCA_BOOTSTRAP_URL",
    "TOKEN_URL",
    "AWS_CA_BUNDLE",
];

/// Why it is not clear where to go or as whom.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A configuration file is of no use.
    #[error(transparent)]
    Ini(#[from] IniError),
    /// The file given with `--config` is of no use.
    #[error("{0} cannot be used as eucarc: {1}")]
    Eucarc(String, std::io::Error),
    /// The user named with `--region` is not in any file.
    #[error("the user '{0}' is not in euca2ools.ini")]
    NoUser(String),
    /// There is half a pair of keys on the command line.
    #[error("an access key and its secret are given together: {0} is missing")]
    HalfAKey(&'static str),
    /// There is no access key.
    #[error(
        "no access key: give -I and -S, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or \
         describe a user in euca2ools.ini"
    )]
    NoCredentials,
    /// The file in `AWS_CREDENTIAL_FILE` is of no use.
    #[error("the credential file {0} cannot be used: {1}")]
    CredentialFile(String, String),
    /// There is no endpoint.
    #[error("no endpoint: give -U, set {variable}, or describe a region in euca2ools.ini")]
    NoEndpoint {
        /// The variable to set.
        variable: &'static str,
    },
    /// The authorities of https cannot be used.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The endpoint cannot be used.
    #[error(transparent)]
    Endpoint(#[from] ClientError),
}

/// Which of the cloud's APIs is meant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Service {
    /// Instances and images.
    Ec2,
    /// Objects.
    S3,
    /// Users and what they may do.
    Iam,
    /// Temporary credentials.
    Sts,
    /// What was asked.
    Trail,
    /// Administration, at this path.
    Administration(&'static str),
}

impl Service {
    /// Where its endpoint is looked for: the variables, the first of which is told to whoever has
    /// none, and the keys of a region.
    fn places(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Ec2 => (&["EC2_URL", "AWS_ENDPOINT_URL_EC2"], &["ec2-url"]),
            Self::S3 => (&["S3_URL", "AWS_ENDPOINT_URL_S3"], &["s3-url"]),
            Self::Iam => (&["EUARE_URL", "AWS_IAM_URL", "AWS_ENDPOINT_URL_IAM"], &["iam-url"]),
            Self::Sts => (&["TOKEN_URL", "AWS_ENDPOINT_URL_STS"], &["sts-url"]),
            Self::Trail | Self::Administration(_) => (
                &["EC2_URL", "EUCA_BOOTSTRAP_URL", "AWS_ENDPOINT_URL_EC2"],
                &["bootstrap-url", "ec2-url"],
            ),
        }
    }

    /// As what its client speaks.
    fn api(self) -> Api {
        match self {
            Self::Ec2 | Self::S3 => EC2,
            Self::Iam => IAM,
            Self::Sts => STS,
            Self::Trail => TRAIL,
            Self::Administration(_) => ADMINISTRATION,
        }
    }
}

/// An access key, and the token that goes with it if it is a temporary one.
struct Key {
    credentials: Credentials,
    token: Option<String>,
}

/// What flags, environment and files say together.
pub(crate) struct Settings {
    environment: Environment,
    ini: Ini,
    remote: Remote,
    /// The region's name, and whether a flag says it.
    region: Option<(String, bool)>,
    /// The user of the file, and whether a flag says it.
    user: Option<(String, bool)>,
}

impl Settings {
    /// Reads the files and puts all together for a command that asks the cloud.
    pub(crate) fn of(remote: &Remote, environment: &Environment) -> Result<Self, ConfigError> {
        let environment = match &remote.local.config {
            Some(file) => environment
                .sourced(file, REPLACED)
                .map_err(|error| ConfigError::Eucarc(file.display().to_string(), error))?,
            None => environment.clone(),
        };
        let ini = Ini::load(&environment)?;
        let given = remote.local.region.as_deref();
        let told = given
            .or_else(|| environment.first(&["EUCA_DEFAULT_REGION", "AWS_DEFAULT_REGION"]))
            .or_else(|| ini.global("default-region"));
        let explicit = given.is_some();
        let (user, region) = match told.map(|told| told.split_once('@').unwrap_or(("", told))) {
            Some((user, region)) => (Some(user), Some(region)),
            None => (None, None),
        };
        let owned = |text: Option<&str>| text.filter(|t| !t.is_empty()).map(str::to_owned);
        let region = match owned(region) {
            Some(region) => Some((region, explicit)),
            None => owned(ini.global("default-region")).map(|region| (region, false)),
        };
        let user = match owned(user) {
            Some(user) if !ini.has_user(&user) => return Err(ConfigError::NoUser(user)),
            Some(user) => Some((user, explicit)),
            None => region
                .as_ref()
                .and_then(|(region, _)| ini.region(region, "user"))
                .map(|user| (user.to_owned(), false)),
        };
        Ok(Self { environment, ini, remote: remote.clone(), region, user })
    }

    /// The same for a command that stays on this machine.
    pub(crate) fn local(local: &Local, environment: &Environment) -> Result<Self, ConfigError> {
        Self::of(&Remote { local: local.clone(), ..Remote::default() }, environment)
    }

    /// A client of the EC2 endpoint.
    pub(crate) fn ec2(&self) -> Result<Client, ConfigError> {
        self.query(Service::Ec2)
    }

    /// A client of the endpoint of a query API.
    pub(crate) fn query(&self, service: Service) -> Result<Client, ConfigError> {
        let (url, region) = self.endpoint(service)?;
        let Key { credentials, token } = self.key()?;
        let client = Client::of(service.api(), &url, &region, credentials)?;
        let client = client.with_token(token).trusting(&self.trust()?);
        let client = match service {
            Service::Administration(path) => client.at_path(path),
            Service::Trail => client.at_path("/services/CloudTrail"),
            Service::Ec2 | Service::S3 | Service::Iam | Service::Sts => client,
        };
        Ok(match trace(&self.remote) {
            Some(trace) => client.with_trace(trace),
            None => client,
        })
    }

    /// A client of the S3 endpoint.
    pub(crate) fn s3(&self) -> Result<S3, ConfigError> {
        let (url, region) = self.endpoint(Service::S3)?;
        let Key { credentials, token } = self.key()?;
        self.traced(S3::new(&url, &region, credentials)?.with_token(token))
    }

    /// A client of the S3 endpoint that signs nothing.
    pub(crate) fn unsigned_s3(&self) -> Result<S3, ConfigError> {
        let (url, region) = self.endpoint(Service::S3)?;
        self.traced(S3::unsigned(&url, &region)?)
    }

    fn traced(&self, s3: S3) -> Result<S3, ConfigError> {
        let s3 = s3.trusting(&self.trust()?);
        Ok(match trace(&self.remote) {
            Some(trace) => s3.with_trace(trace),
            None => s3,
        })
    }

    /// The access key alone, for what somebody else has signed with its secret.
    pub(crate) fn access_key_id(&self) -> Result<String, ConfigError> {
        match &self.remote.access_key_id {
            Some(id) => Ok(id.clone()),
            None => Ok(self.credentials()?.access_key_id),
        }
    }

    /// Whom to believe over https.
    fn trust(&self) -> Result<Trust, ConfigError> {
        let region = self.region.as_ref().map(|(name, _)| name.as_str());
        let said = |key| {
            region.and_then(|name| self.ini.region(name, key)).or_else(|| self.ini.global(key))
        };
        if said("verify-ssl").is_some_and(|text| {
            ["false", "no", "off", "0"].iter().any(|no| text.eq_ignore_ascii_case(no))
        }) {
            return Ok(Trust::Anybody);
        }
        let variables = ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"];
        match self.environment.first(&variables).or_else(|| said("ssl-ca")) {
            Some(path) => Ok(Trust::file(&self.environment.expand(path))?),
            None => Ok(Trust::Known),
        }
    }

    /// The access key and its secret.
    pub(crate) fn credentials(&self) -> Result<Credentials, ConfigError> {
        Ok(self.key()?.credentials)
    }

    fn key(&self) -> Result<Key, ConfigError> {
        let pair = |id: &str, secret: &str| Credentials {
            access_key_id: id.to_owned(),
            secret: secret.to_owned(),
        };
        let given = self.remote.security_token.clone();
        let with = |credentials, token: Option<&str>| Key {
            credentials,
            token: given.clone().or_else(|| token.map(str::to_owned)),
        };
        match (&self.remote.access_key_id, &self.remote.secret_key) {
            (Some(id), Some(secret)) => return Ok(with(pair(id, secret), None)),
            (Some(_), None) => return Err(ConfigError::HalfAKey("-S")),
            (None, Some(_)) => return Err(ConfigError::HalfAKey("-I")),
            (None, None) => {}
        }
        let of_file = || {
            let (user, _) = self.user.as_ref()?;
            let key = pair(self.ini.user(user, "key-id")?, self.ini.user(user, "secret-key")?);
            Some(with(key, None))
        };
        if self.user.as_ref().is_some_and(|(_, explicit)| *explicit) {
            return of_file().ok_or(ConfigError::NoCredentials);
        }
        let families: [(&[&str], &[&str], &[&str]); 2] = [
            (
                &["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"],
                &["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"],
                &["AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"],
            ),
            (&["EC2_ACCESS_KEY"], &["EC2_SECRET_KEY"], &[]),
        ];
        for (ids, secrets, tokens) in families {
            if let (Some(id), Some(secret)) =
                (self.environment.first(ids), self.environment.first(secrets))
            {
                return Ok(with(pair(id, secret), self.environment.first(tokens)));
            }
        }
        if let Some(path) = self.environment.get("AWS_CREDENTIAL_FILE") {
            return Ok(with(self.credential_file(path)?, None));
        }
        of_file().ok_or(ConfigError::NoCredentials)
    }

    fn credential_file(&self, path: &str) -> Result<Credentials, ConfigError> {
        let fail = |why: String| ConfigError::CredentialFile(path.to_owned(), why);
        let text = fs::read_to_string(self.environment.expand(path))
            .map_err(|error| fail(error.to_string()))?;
        let find = |name: &str| {
            text.lines().find_map(|line| {
                let (own, value) = line.split_once('=')?;
                (own.trim() == name).then(|| value.trim().to_owned())
            })
        };
        match (find("AWSAccessKeyId"), find("AWSSecretKey")) {
            (Some(access_key_id), Some(secret)) => Ok(Credentials { access_key_id, secret }),
            _ => Err(fail("it lacks AWSAccessKeyId= or AWSSecretKey=".to_owned())),
        }
    }

    /// URL and region of the signature's scope.
    fn endpoint(&self, service: Service) -> Result<(String, String), ConfigError> {
        let (variables, keys) = service.places();
        let region = self.region.as_ref().map(|(name, _)| name.as_str());
        let explicit = self.region.as_ref().is_some_and(|(_, explicit)| *explicit);
        let of_file =
            region.and_then(|region| keys.iter().find_map(|key| self.ini.region(region, key)));
        let url = self
            .remote
            .url
            .as_deref()
            .or(of_file.filter(|_| explicit))
            .or_else(|| self.environment.first(variables))
            .or(of_file)
            .ok_or(ConfigError::NoEndpoint { variable: variables[0] })?;
        let (prefix, url) = match url.split_once("::") {
            // `REGION::URL`; an IPv6 address has its colons after the scheme.
            Some((region, url)) if !region.contains('/') => (Some(region), url),
            _ => (None, url),
        };
        let region = prefix.or(self.environment.get("AWS_AUTH_REGION")).or(region);
        Ok((url.to_owned(), region.unwrap_or(REGION).to_owned()))
    }

    /// What the user or region is called that a flag, the environment or a file names.
    pub(crate) fn region_name(&self) -> Option<&str> {
        self.region.as_ref().map(|(name, _)| name.as_str())
    }

    /// The endpoints that are known, by the keys of a region.
    pub(crate) fn urls(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("ec2-url", Service::Ec2),
            ("iam-url", Service::Iam),
            ("s3-url", Service::S3),
            ("sts-url", Service::Sts),
        ];
        // One that a flag names is the service's that was asked, which here is IAM.
        let flagged = self.remote.url.is_some();
        let own = |(key, service)| match service {
            Service::Iam => Some((key, self.endpoint(service).ok()?.0)),
            _ if flagged => None,
            _ => Some((key, self.endpoint(service).ok()?.0)),
        };
        all.into_iter().filter_map(own).collect()
    }

    /// The endpoint of IAM.
    pub(crate) fn iam_url(&self) -> Result<String, ConfigError> {
        Ok(self.endpoint(Service::Iam)?.0)
    }

    /// The account that bundles are made for.
    pub(crate) fn account(&self) -> Option<String> {
        self.environment.get("EC2_USER_ID").or(self.of_user("account-id")).map(str::to_owned)
    }

    /// The user's certificate.
    pub(crate) fn certificate(&self) -> Option<PathBuf> {
        self.file(&["EC2_CERT", "EUCA_CERT"], self.of_user("certificate"))
    }

    /// The user's private key.
    pub(crate) fn private_key(&self) -> Option<PathBuf> {
        self.file(&["EC2_PRIVATE_KEY", "EUCA_PRIVATE_KEY"], self.of_user("private-key"))
    }

    /// The cloud's certificate.
    pub(crate) fn cloud_certificate(&self) -> Option<PathBuf> {
        let region = self.region.as_ref().map(|(name, _)| name.as_str());
        let of_region = region.and_then(|region| self.ini.region(region, "certificate"));
        self.file(&["EUCALYPTUS_CERT"], of_region)
    }

    /// A value of `[global]`, for what a site sets for all its users.
    pub(crate) fn global(&self, key: &str) -> Option<&str> {
        self.ini.global(key)
    }

    fn of_user(&self, key: &str) -> Option<&str> {
        self.ini.user(&self.user.as_ref()?.0, key)
    }

    fn file(&self, variables: &[&str], of_file: Option<&str>) -> Option<PathBuf> {
        let path = self.environment.first(variables).or(of_file)?;
        Some(self.environment.expand(path))
    }
}

fn trace(remote: &Remote) -> Option<Trace> {
    use std::io::Write;
    remote.debug.then(|| {
        let trace: Trace = std::sync::Arc::new(|line| {
            // Nobody can be told that standard error is closed.
            let _ = writeln!(std::io::stderr(), "{line}");
        });
        trace
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const INI: &str = "[global]\ndefault-region = home\n\
        [region home]\nuser = admin\nec2-url = http://home:8773/e\ns3-url = http://home:8774/w\ncertificate = ~/cloud.pem\n\
        [region away]\nec2-url = away-1::http://away:8773/e\n\
        [user admin]\nkey-id = AKADMIN\nsecret-key = sadmin\naccount-id = 000000000001\ncertificate = /c.pem\nprivate-key = /k.pem\n\
        [user taro]\nkey-id = AKTARO\nsecret-key = staro\n";

    struct Seen {
        settings: Result<Settings, ConfigError>,
        _dir: tempfile::TempDir,
    }

    fn seen(flags: &Remote, variables: &[(&str, &str)]) -> Seen {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.ini");
        fs::write(&file, INI).unwrap();
        let variables = variables
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .chain([("EUCA_CONFIG_PATH".to_owned(), file.display().to_string())]);
        Seen { settings: Settings::of(flags, &Environment::new(variables)), _dir: dir }
    }

    fn region(region: &str) -> Remote {
        let local = Local { region: Some(region.to_owned()), ..Local::default() };
        Remote { local, ..Remote::default() }
    }

    #[test]
    fn the_first_complete_pair_of_keys_wins() {
        let flags = Remote {
            access_key_id: Some("AKFLAG".into()),
            secret_key: Some("s".into()),
            ..Remote::default()
        };
        let aws = [("AWS_ACCESS_KEY_ID", "AKAWS"), ("AWS_SECRET_KEY", "s")];
        let ec2 = [("EC2_ACCESS_KEY", "AKEC2"), ("EC2_SECRET_KEY", "s")];
        let half = [("AWS_ACCESS_KEY_ID", "AKHALF"), ec2[0], ec2[1]];
        let both = [aws[0], aws[1], ec2[0], ec2[1]];
        for (flags, variables, expected) in [
            (flags, &both[..], "AKFLAG"),
            (Remote::default(), &both[..], "AKAWS"),
            (Remote::default(), &half[..], "AKEC2"),
            (Remote::default(), &[][..], "AKADMIN"),
            (region("taro@home"), &both[..], "AKTARO"),
            (region("home"), &both[..], "AKAWS"),
            (Remote::default(), &[("EUCA_DEFAULT_REGION", "taro@home")][..], "AKTARO"),
        ] {
            let seen = seen(&flags, variables);
            let credentials = seen.settings.unwrap().credentials().unwrap();
            assert_eq!(credentials.access_key_id, expected, "{flags:?} {variables:?}");
        }
    }

    #[test]
    fn endpoints_come_from_flags_environment_and_file() {
        let url = Remote { url: Some("http://flag:1/".into()), ..Remote::default() };
        let variable = [("EC2_URL", "http://env:1/"), ("AWS_ENDPOINT_URL_S3", "http://env:2/")];
        for (flags, variables, service, expected) in [
            (url, &variable[..], Service::Ec2, ("http://flag:1/", "home")),
            (Remote::default(), &variable[..], Service::Ec2, ("http://env:1/", "home")),
            (Remote::default(), &variable[..], Service::S3, ("http://env:2/", "home")),
            (Remote::default(), &[][..], Service::S3, ("http://home:8774/w", "home")),
            (region("away"), &variable[..], Service::Ec2, ("http://away:8773/e", "away-1")),
            (region("new"), &variable[..], Service::Ec2, ("http://env:1/", "new")),
            (
                Remote::default(),
                &[("AWS_DEFAULT_REGION", "eu"), ("EC2_URL", "http://[::1]:1/")][..],
                Service::Ec2,
                ("http://[::1]:1/", "eu"),
            ),
        ] {
            let (url, region) =
                seen(&flags, variables).settings.unwrap().endpoint(service).unwrap();
            assert_eq!((url.as_str(), region.as_str()), expected, "{flags:?} {variables:?}");
        }
        let nowhere = seen(&region("new"), &[]).settings.unwrap().endpoint(Service::S3);
        assert!(matches!(nowhere, Err(ConfigError::NoEndpoint { variable: "S3_URL" })));
    }

    #[test]
    fn identity_and_administration_have_places_of_their_own() {
        let of = |variables: &[(&str, &str)], service| {
            seen(&region("new"), variables).settings.unwrap().endpoint(service).map(|it| it.0)
        };
        let all = [
            ("EUARE_URL", "http://h:1/euare"),
            ("AWS_IAM_URL", "http://h:1/iam"),
            ("TOKEN_URL", "http://h:1/sts"),
            ("EC2_URL", "http://h:1/ec2"),
        ];
        assert_eq!(of(&all, Service::Iam).unwrap(), "http://h:1/euare");
        assert_eq!(of(&all[1..], Service::Iam).unwrap(), "http://h:1/iam");
        assert_eq!(
            of(&[("AWS_ENDPOINT_URL_IAM", "http://x/")], Service::Iam).unwrap(),
            "http://x/"
        );
        assert_eq!(of(&all, Service::Sts).unwrap(), "http://h:1/sts");
        let accounts = Service::Administration("/services/Accounts");
        assert_eq!(of(&all, accounts).unwrap(), "http://h:1/ec2");
        assert!(matches!(
            of(&[], Service::Iam),
            Err(ConfigError::NoEndpoint { variable: "EUARE_URL" })
        ));
    }

    #[test]
    fn a_session_token_goes_with_the_key_of_its_own_source() {
        let aws = [("AWS_ACCESS_KEY_ID", "ASIA"), ("AWS_SECRET_ACCESS_KEY", "s")];
        let ec2 = [("EC2_ACCESS_KEY", "AK"), ("EC2_SECRET_KEY", "s")];
        let token = ("AWS_SESSION_TOKEN", "t");
        let flags = Remote {
            access_key_id: Some("AK".into()),
            secret_key: Some("s".into()),
            ..Remote::default()
        };
        let named = Remote { security_token: Some("f".into()), ..flags.clone() };
        for (flags, variables, expected) in [
            (&Remote::default(), &[aws[0], aws[1], token][..], Some("t")),
            (&Remote::default(), &[aws[0], aws[1], ("AWS_SECURITY_TOKEN", "u")], Some("u")),
            (&Remote::default(), &[ec2[0], ec2[1], token], None),
            (&flags, &[aws[0], aws[1], token], None),
            (&named, &[aws[0], aws[1], token], Some("f")),
        ] {
            let key = seen(flags, variables).settings.unwrap().key().unwrap();
            assert_eq!(key.token.as_deref(), expected, "{variables:?}");
        }
    }

    #[test]
    fn files_come_from_environment_and_file() {
        let plain = seen(&Remote::default(), &[("HOME", "/h")]).settings.unwrap();
        assert_eq!(plain.account().as_deref(), Some("000000000001"));
        assert_eq!(plain.certificate(), Some("/c.pem".into()));
        assert_eq!(plain.private_key(), Some("/k.pem".into()));
        assert_eq!(plain.cloud_certificate(), Some("/h/cloud.pem".into()));
        let variables = [("EC2_CERT", "/e.pem"), ("EUCALYPTUS_CERT", "/f.pem")];
        let told = seen(&Remote::default(), &variables).settings.unwrap();
        assert_eq!(told.certificate(), Some("/e.pem".into()));
        assert_eq!(told.cloud_certificate(), Some("/f.pem".into()));
    }

    #[test]
    fn authorities_come_from_environment_and_file() {
        let ca = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/tls/ca.pem");
        let trust = |variables: &[(&str, &str)], ini: &str| {
            let dir = tempfile::tempdir().unwrap();
            let file = dir.path().join("x.ini");
            fs::write(&file, format!("[global]\ndefault-region = r\n[region r]\n{ini}")).unwrap();
            let path = file.display().to_string();
            let all = variables.iter().copied().chain([("EUCA_CONFIG_PATH", path.as_str())]);
            Settings::of(&Remote::default(), &Environment::new(all)).unwrap().trust()
        };
        assert!(matches!(trust(&[], ""), Ok(Trust::Known)));
        assert!(matches!(trust(&[("AWS_CA_BUNDLE", ca)], ""), Ok(Trust::These(_))));
        assert!(matches!(trust(&[], &format!("ssl-ca = {ca}")), Ok(Trust::These(_))));
        assert!(matches!(trust(&[], "verify-ssl = true"), Ok(Trust::Known)));
        assert!(matches!(trust(&[], "verify-ssl = False"), Ok(Trust::Anybody)));
        assert!(matches!(trust(&[("AWS_CA_BUNDLE", "/absent")], ""), Err(ConfigError::Trust(_))));
    }

    #[test]
    fn what_is_not_clear_is_an_error() {
        let half = Remote { access_key_id: Some("AK".into()), ..Remote::default() };
        let half = seen(&half, &[]).settings.unwrap().credentials();
        assert!(matches!(half, Err(ConfigError::HalfAKey("-S"))));
        let nobody = seen(&region("nobody@home"), &[]).settings;
        assert!(matches!(nobody, Err(ConfigError::NoUser(_))));
        let file = [("AWS_CREDENTIAL_FILE", "/absent"), ("EUCA_DEFAULT_REGION", "away")];
        let absent = seen(&Remote::default(), &file).settings.unwrap().credentials();
        assert!(matches!(absent, Err(ConfigError::CredentialFile(..))));
    }
}
