//! What was asked of the cloud, of its APIs and of S3: found by CloudTrail's LookupEvents, printed as
//! `clc admin audit` prints it.

use clap::Args;
use common::audit::Line;
use common::time::Timestamp;
use serde_json::Value;

use crate::cmd::{Context, Execute, Failure};
use crate::config::{Service, Settings};
use crate::options::Remote;

/// How many records are asked for at once, at most.
const PAGE: usize = 50;

/// Options of `euca admin audit`.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Not before this time, as 2026-11-22T10:50:32Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Not after this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Done in this account, by its number
    #[arg(long, value_name = "NUMBER")]
    account: Option<String>,
    /// Done by a user or role of that name, or by that ARN
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// The action, as RunInstances
    #[arg(long, value_name = "NAME")]
    action: Option<String>,
    /// The API: ec2, s3, iam, sts, cloudtrail, eucalypt, clc for what was done on the clc's host, console
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Done to this resource: its ARN or id
    #[arg(long, value_name = "NAME")]
    resource: Option<String>,
    /// Asked with this access key
    #[arg(long, value_name = "ID")]
    key: Option<String>,
    /// How many at most, the newest first
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
    /// Print whole records, as CloudTrail writes them, a line of JSON each
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(|error| error.to_string())
}

impl Audit {
    /// What is asked of each page.
    fn asked(&self) -> Vec<(String, String)> {
        let attributes = [
            ("AccountId", &self.account),
            ("Username", &self.user),
            ("EventName", &self.action),
            ("EventSource", &self.service),
            ("ResourceName", &self.resource),
            ("AccessKeyId", &self.key),
        ];
        let given = attributes.iter().filter_map(|(key, value)| Some((*key, value.as_ref()?)));
        let mut asked = Vec::new();
        for (number, (key, value)) in (1..).zip(given) {
            let name = |part| format!("LookupAttributes.member.{number}.{part}");
            asked.push((name("AttributeKey"), key.to_owned()));
            asked.push((name("AttributeValue"), value.clone()));
        }
        let times = [("StartTime", self.since), ("EndTime", self.until)];
        let times =
            times.iter().filter_map(|(name, at)| Some(((*name).to_owned(), at.as_ref()?.iso())));
        asked.extend(times);
        asked
    }

    fn print(&self, cx: &mut Context<'_>, whole: &str) -> Result<(), Failure> {
        let unreadable = |error| Failure::Client(format!("a record cannot be read: {error}"));
        if self.json {
            return Ok(writeln!(cx.out, "{whole}")?);
        }
        let record: Value = serde_json::from_str(whole).map_err(unreadable)?;
        Ok(writeln!(cx.out, "{}", line(&record))?)
    }
}

/// The line of a record as CloudTrail writes it.
fn line(record: &Value) -> Line<'_> {
    let text = |path: &str| record.pointer(path).and_then(Value::as_str);
    let own = |path| text(path).unwrap_or_default();
    let source = own("/eventSource");
    let resources = record["resources"].as_array().map(Vec::as_slice).unwrap_or_default();
    Line {
        at: own("/eventTime").to_owned(),
        asked: (source.strip_suffix(".amazonaws.com").unwrap_or(source), own("/eventName")),
        who: text("/userIdentity/arn"),
        access_key: own("/userIdentity/accessKeyId"),
        source: own("/sourceIPAddress"),
        error: text("/errorCode"),
        resources: resources.iter().filter_map(|it| it["ARN"].as_str()).collect(),
        request_id: own("/requestID"),
    }
}

impl Execute for Audit {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let client = Settings::of(&self.remote, cx.environment)?.query(Service::Trail)?;
        let asked = self.asked();
        let (mut left, mut token) = (self.limit, None::<String>);
        while left > 0 {
            let most = left.min(PAGE).to_string();
            let mut pairs: Vec<(&str, Option<&str>)> =
                asked.iter().map(|(name, value)| (name.as_str(), Some(value.as_str()))).collect();
            pairs.push(("MaxResults", Some(&most)));
            pairs.push(("NextToken", token.as_deref()));
            let page = client.ask("LookupEvents", &pairs)?;
            // Each event is an element of that name.
            let events: Vec<_> = page.children.iter().filter(|it| it.name == "Events").collect();
            for event in events.iter().take(left) {
                self.print(cx, event.text("CloudTrailEvent").unwrap_or_default())?;
            }
            left = left.saturating_sub(events.len());
            let next = page.text("NextToken").map(str::to_owned);
            match next {
                // A page that leads to itself would never end.
                Some(next) if token.as_ref() == Some(&next) => {
                    return Err(Failure::Client("the pages of LookupEvents do not end".to_owned()));
                }
                Some(next) => token = Some(next),
                None => break,
            }
        }
        Ok(())
    }
}
