//! A record as CloudTrail shows it.

use common::audit::Event;
use common::cloudtrail::{FoundEvent, FoundResource};
use serde_json::json;

/// The version of CloudTrail's own records that these are like.
const VERSION: &str = "1.08";

/// The record, for whoever looked it up.
pub(super) fn shown(event: &Event) -> FoundEvent {
    let resource = |name: &String| FoundResource {
        resource_type: kind(name).map(str::to_owned),
        resource_name: name.clone(),
    };
    let millis = u32::try_from(event.at.as_millis().rem_euclid(1000)).unwrap_or(0);
    let seconds = i32::try_from(event.at.as_secs()).unwrap_or(i32::MAX);
    FoundEvent {
        event_id: event.request_id.clone(),
        event_name: event.action.clone(),
        read_only: event.read_only.to_string(),
        access_key_id: Some(event.access_key.clone()).filter(|key| !key.is_empty()),
        event_time: f64::from(seconds) + f64::from(millis) / 1000.0,
        event_source: source(event),
        username: event.actor.as_ref().map(|actor| actor.name.clone()),
        resources: event.resources.iter().map(resource).collect(),
        cloud_trail_event: whole(event),
    }
}

fn source(event: &Event) -> String {
    format!("{}.amazonaws.com", event.service)
}

/// Everything of a record, under CloudTrail's names.
fn whole(event: &Event) -> String {
    // Whoever showed no key, or one that did not prove to be theirs.
    let nobody = match (event.service.as_str(), event.access_key.as_str()) {
        ("s3", "") => json!({
            "type": "AWSAccount",
            "principalId": "",
            "accountId": "ANONYMOUS_PRINCIPAL",
        }),
        (_, "") => json!(null),
        (_, key) => json!({ "type": "Unknown", "accessKeyId": key }),
    };
    let identity = event.actor.as_ref().map(|actor| {
        json!({
            "type": if actor.session.is_some() { "AssumedRole" } else { "IAMUser" },
            "principalId": actor.id,
            "arn": actor.arn,
            "accountId": actor.account,
            "accountAlias": actor.alias,
            "accessKeyId": event.access_key,
            "userName": actor.name,
            "sessionName": actor.session,
        })
    });
    let identity = identity.unwrap_or(nobody);
    let signed = event.signed.as_ref().map(|signed| {
        json!({ "SignatureVersion": signed.version, "AuthenticationMethod": signed.method })
    });
    let failure = event.failure.as_ref();
    json!({
        "eventVersion": VERSION,
        "userIdentity": identity,
        "eventTime": event.at.iso(),
        "eventSource": source(event),
        "eventName": event.action,
        "sourceIPAddress": event.source,
        "userAgent": event.agent,
        "errorCode": failure.map(|it| it.code.as_str()),
        "errorMessage": failure.map(|it| it.message.as_str()),
        "requestParameters": event.parameters,
        "additionalEventData": signed,
        "requestID": event.request_id,
        "eventID": event.request_id,
        "readOnly": event.read_only,
        "eventType": "AwsApiCall",
        "managementEvent": !event.data,
        "eventCategory": if event.data { "Data" } else { "Management" },
        "recipientAccountId": event.actor.as_ref().map(|actor| actor.account.as_str()),
        "resources": event.resources.iter().map(|name| json!({ "ARN": name })).collect::<Vec<_>>(),
        "tlsDetails": { "https": event.secure },
    })
    .to_string()
}

/// What kind of thing a name names.
fn kind(name: &str) -> Option<&'static str> {
    const KINDS: &[(&str, &str)] = &[
        (":instance/", "AWS::EC2::Instance"),
        ("i-", "AWS::EC2::Instance"),
        ("::image/", "AWS::EC2::Image"),
        ("emi-", "AWS::EC2::Image"),
        (":key-pair/", "AWS::EC2::KeyPair"),
        (":user/", "AWS::IAM::User"),
        (":group/", "AWS::IAM::Group"),
        (":role/", "AWS::IAM::Role"),
        (":policy/", "AWS::IAM::ManagedPolicy"),
        (":instance-profile/", "AWS::IAM::InstanceProfile"),
        ("AKI", "AWS::IAM::AccessKey"),
    ];
    if let Some(path) = name.strip_prefix("arn:aws:s3:::") {
        return Some(if path.contains('/') { "AWS::S3::Object" } else { "AWS::S3::Bucket" });
    }
    let fits = |part: &str| {
        if part.starts_with(':') { name.contains(part) } else { name.starts_with(part) }
    };
    KINDS.iter().find(|(part, _)| fits(part)).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_names() {
        for (name, expected) in [
            ("arn:aws:ec2:r:123456789012:instance/i-1", Some("AWS::EC2::Instance")),
            ("i-1", Some("AWS::EC2::Instance")),
            ("arn:aws:iam::123456789012:user/taro", Some("AWS::IAM::User")),
            ("arn:aws:s3:::bucket", Some("AWS::S3::Bucket")),
            ("arn:aws:s3:::bucket/a:user/b", Some("AWS::S3::Object")),
            ("taro", None),
        ] {
            assert_eq!(kind(name), expected, "{name}");
        }
    }
}
