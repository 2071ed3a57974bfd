//! Access keys.

use clap::Args;
use common::dialect::answer::Answer;

use super::holders::{AnyUser, Whose};
use super::iam::{Iam, print};
use crate::cmd::{Context, Execute, Failure};
use crate::config::Settings;
use crate::options::Remote;
use crate::row::Row;

pub(super) const ROWS: &[Row] = &[
    Row::of::<Create>(&["euare-useraddkey"], "Make an access key for a user and print it"),
    Row::of::<List>(&["euare-userlistkeys"], "List a user's access keys"),
    Row::of::<Modify>(&["euare-usermodkey"], "Activate an access key, or deactivate it"),
    Row::of::<Delete>(&["euare-userdelkey"], "Remove an access key"),
];

/// How a new access key is printed.
#[derive(Debug, Args)]
pub(super) struct Config {
    /// Print the key as a file for euca2ools.ini, with the region it is good for
    #[arg(short, long)]
    pub(super) write_config: bool,
    /// The domain of the region's services, for -w: iam.DOMAIN and its like; the endpoints that
    /// you use now if absent
    #[arg(short, long)]
    domain: Option<String>,
    /// Make the user the region's, for -w
    #[arg(short = 'l', long)]
    set_default_user: bool,
}

/// Makes a key and prints it.
pub(super) fn create(
    cx: &mut Context<'_>,
    iam: &Iam,
    remote: &Remote,
    user: Option<&str>,
    config: &Config,
) -> Result<(), Failure> {
    // Everything that can go wrong goes wrong before there is a key that nobody sees.
    let region = match config.write_config {
        true => Some(Region::of(cx, remote, config)?),
        false => None,
    };
    let account = match &region {
        Some(_) => account_of(cx, iam, user)?,
        None => None,
    };
    let made = iam.ask("CreateAccessKey", &[("UserName", user)])?;
    match region {
        None => print(cx, &made, &["AccessKey/AccessKeyId", "AccessKey/SecretAccessKey"]),
        Some(region) => {
            let text = region.ini(&made, account.as_deref(), config.set_default_user);
            Ok(cx.out.write_all(text.as_bytes())?)
        }
    }
}

/// The account that a user is in, if the caller may ask.
fn account_of(
    cx: &mut Context<'_>,
    iam: &Iam,
    user: Option<&str>,
) -> Result<Option<String>, Failure> {
    match iam.ask("GetUser", &[("UserName", user)]) {
        Ok(found) => {
            let arn = found.text("User/Arn").unwrap_or_default();
            Ok(arn.split(':').nth(4).map(str::to_owned))
        }
        Err(Failure::Api { code, message }) if code == "AccessDenied" => {
            cx.warn(&format!("the account's number cannot be found out ({message})"));
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

/// A region as a file describes it.
struct Region {
    name: String,
    /// Keys and endpoints.
    urls: Vec<(&'static str, String)>,
}

impl Region {
    fn of(cx: &Context<'_>, remote: &Remote, config: &Config) -> Result<Self, Failure> {
        const SERVICES: [&str; 5] = ["bootstrap", "ec2", "iam", "s3", "sts"];
        const KEYS: [&str; 5] = ["bootstrap-url", "ec2-url", "iam-url", "s3-url", "sts-url"];
        let settings = Settings::of(remote, cx.environment)?;
        let iam = settings.iam_url()?;
        let urls = match &config.domain {
            None => settings.urls(),
            Some(domain) => {
                let (scheme, rest) = iam.split_once("://").unwrap_or(("http", &iam));
                let authority = rest.split('/').next().unwrap_or(rest);
                let port = authority.rsplit_once(':').map(|(_, port)| format!(":{port}"));
                let port = port.filter(|_| !domain.contains(':')).unwrap_or_default();
                let url = |service| format!("{scheme}://{service}.{domain}{port}/");
                KEYS.into_iter().zip(SERVICES.map(url)).collect()
            }
        };
        let domain = config.domain.as_deref().map(|it| it.split(':').next().unwrap_or(it));
        let name = settings.region_name().or(domain).unwrap_or("eucalyptus").to_owned();
        Ok(Self { name, urls })
    }

    fn ini(&self, made: &Answer, account: Option<&str>, default: bool) -> String {
        let text = |path| made.text(path).unwrap_or_default().trim();
        let user = made.text("AccessKey/UserName").unwrap_or("admin");
        let user = match account {
            Some(account) => format!("{account}:{user}"),
            None => user.to_owned(),
        };
        let mut ini = format!("[region {}]\n", self.name);
        for (key, url) in &self.urls {
            ini.push_str(&format!("{key} = {url}\n"));
        }
        if default {
            ini.push_str(&format!("user = {user}\n"));
        }
        ini.push_str(&format!(
            "\n[user {user}]\nkey-id = {}\nsecret-key = {}\n",
            text("AccessKey/AccessKeyId"),
            text("AccessKey/SecretAccessKey"),
        ));
        if let Some(account) = account {
            ini.push_str(&format!("account-id = {account}\n"));
        }
        ini.push('\n');
        ini
    }
}

/// Options of `euare-useraddkey`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    #[command(flatten)]
    user: AnyUser,
    #[command(flatten)]
    config: Config,
}

impl Execute for Create {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let iam = self.user.on.iam(cx)?;
        create(cx, &iam, &self.user.on.remote, self.user.name.as_deref(), &self.config)
    }
}

/// Options of `euare-userlistkeys`.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    user: AnyUser,
}

impl Execute for List {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let named = [("UserName", self.user.name.as_deref())];
        let (keys, _) =
            self.user.on.iam(cx)?.list("ListAccessKeys", "AccessKeyMetadata", &named)?;
        keys.iter().try_for_each(|key| print(cx, key, &["AccessKeyId", "Status"]))
    }
}

/// An access key.
#[derive(Debug, Args)]
struct OneKey {
    /// The access key's id
    #[arg(value_name = "KEY_ID")]
    id: String,
    #[arg(short = 'k', long = "user-key-id", hide = true)]
    _flag: bool,
    #[command(flatten)]
    whose: Whose,
}

impl OneKey {
    fn ask(
        &self,
        cx: &Context<'_>,
        action: &'static str,
        status: Option<&str>,
    ) -> Result<(), Failure> {
        let asked = [
            ("AccessKeyId", Some(self.id.as_str())),
            ("UserName", self.whose.user_name.as_deref()),
            ("Status", status),
        ];
        self.whose.on.iam(cx)?.ask(action, &asked).map(drop)
    }
}

/// Options of `euare-usermodkey`.
#[derive(Debug, Args)]
pub(crate) struct Modify {
    #[command(flatten)]
    key: OneKey,
    /// What it shall be
    #[arg(short, long, value_name = "STATUS", value_parser = ["Active", "Inactive"])]
    status: String,
}

impl Execute for Modify {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        self.key.ask(cx, "UpdateAccessKey", Some(&self.status))
    }
}

/// Options of `euare-userdelkey`.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    key: OneKey,
}

impl Execute for Delete {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        self.key.ask(cx, "DeleteAccessKey", None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_file_for_euca2ools() {
        let made = Answer::read(
            "<R><AccessKey><UserName>taro</UserName><AccessKeyId>AKI</AccessKeyId>\
             <SecretAccessKey>s/+</SecretAccessKey></AccessKey></R>",
        )
        .unwrap();
        let region = Region { name: "r".into(), urls: vec![("iam-url", "http://iam.d/".into())] };
        assert_eq!(
            region.ini(&made, Some("123456789012"), true),
            "[region r]\niam-url = http://iam.d/\nuser = 123456789012:taro\n\n\
             [user 123456789012:taro]\nkey-id = AKI\nsecret-key = s/+\naccount-id = 123456789012\n\n"
        );
        assert!(region.ini(&made, None, false).contains("\n[user taro]\n"));
    }
}
