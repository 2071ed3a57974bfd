//! A record as one line of a listing.

use std::fmt;

use super::event::Event;

/// The columns of a listing, parted by tabs: the same for whoever reads the log on the clc's host and
/// for whoever asks from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// When it was answered, ISO 8601.
    pub at: String,
    /// The API, and the action.
    pub asked: (&'a str, &'a str),
    /// The principal's ARN; none if nobody proved to be one.
    pub who: Option<&'a str>,
    /// The access key.
    pub access_key: &'a str,
    /// The address.
    pub source: &'a str,
    /// The error's code; none if it was done.
    pub error: Option<&'a str>,
    /// What it was done to.
    pub resources: Vec<&'a str>,
    /// The request's id.
    pub request_id: &'a str,
}

impl<'a> Line<'a> {
    /// The line of a record.
    pub fn of(event: &'a Event) -> Self {
        Self {
            at: event.at.iso(),
            asked: (&event.service, &event.action),
            who: event.actor.as_ref().map(|actor| actor.arn.as_str()),
            access_key: &event.access_key,
            source: &event.source,
            error: event.failure.as_ref().map(|failure| failure.code.as_str()),
            resources: event.resources.iter().map(String::as_str).collect(),
            request_id: &event.request_id,
        }
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, asked: (service, action), access_key, source, request_id, .. } = self;
        let (who, result) = (self.who.unwrap_or("-"), self.error.unwrap_or("ok"));
        let resources = self.resources.join(",");
        let line = format!(
            "AUDIT\t{at}\t{service}:{action}\t{who}\t{access_key}\t{source}\t{result}\t{resources}\t\
             {request_id}"
        );
        // What strangers sent must not control a terminal.
        out.write_str(&line.replace(|c: char| c.is_control() && c != '\t', " "))
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Failure, sample};
    use super::*;

    #[test]
    fn a_record_is_one_line() {
        let mut event = sample(1);
        event.failure = Some(Failure::new("AccessDenied", "no"));
        event.resources.push("a\nb".into());
        let line = Line::of(&event).to_string();
        let columns: Vec<_> = line.split('\t').collect();
        assert_eq!(
            columns[2..],
            [
                "ec2:RunInstances",
                "arn:aws:iam::123456789012:user/taro",
                "AKI1",
                "10.0.0.1",
                "AccessDenied",
                "arn:aws:ec2:r::instance/i-1,a b",
                "r-1",
            ]
        );
        event.actor = None;
        event.failure = None;
        let line = Line::of(&event).to_string();
        assert!(line.contains("\t-\t") && line.contains("\tok\t"), "{line}");
    }
}
