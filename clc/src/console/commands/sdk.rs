//! Lines of the AWS command line and of boto3. Both know parameters under the names of the SDKs, which
//! are those of the query protocol but for a few rules and fewer exceptions.

use super::quote::{is_unseen, python, shell};
use super::value::{Fields, Value};

/// Actions of Eucalyptus' own, which no SDK knows.
const OWN: [&str; 6] = [
    "CreateAccount",
    "CreateSigningCertificate",
    "DeleteAccount",
    "DeleteAccountPolicy",
    "PutAccountPolicy",
    "UpdateAccount",
];
/// Parameters that no SDK knows: of which action, or of any.
const UNKNOWN: [(&str, &str); 11] = [
    ("", "DelegateAccount"),
    ("DeleteUser", "IsRecursive"),
    ("DeleteGroup", "IsRecursive"),
    ("GetUser", "ShowExtra"),
    ("ImportImage", "DeleteSource"),
    ("ImportImage", "KernelId"),
    ("ImportImage", "Name"),
    ("ImportImage", "RamdiskId"),
    ("UpdateUser", "Enabled"),
    ("UpdateUser", "PasswordExpiration"),
    ("UpdateUser", "RegStatus"),
];
/// Lists of EC2 whose name in the SDKs is not that of the query protocol with an `s`: of which action, or
/// of any, and both names.
const LISTS: [(&str, &str, &str); 6] = [
    ("CreateTags", "ResourceId", "Resources"),
    ("DeleteTags", "ResourceId", "Resources"),
    ("", "Add", "Add"),
    ("", "Remove", "Remove"),
    ("ModifyImageAttribute", "OrganizationArn", "OrganizationArns"),
    ("ModifyImageAttribute", "OrganizationalUnitArn", "OrganizationalUnitArns"),
];
/// Options of the AWS command line that are the opposite of a parameter.
const OPPOSITES: [(&str, &str); 2] =
    [("DisableApiTermination", "enable-api-termination"), ("NoReboot", "reboot")];
/// Parameters that are bytes, written in base64 in the query protocol.
const BYTES: [&str; 1] = ["PublicKeyMaterial"];

/// An action with its parameters as SDKs have them.
pub(super) struct Shaped {
    service: &'static str,
    action: &'static str,
    fields: Fields,
}

/// Whether SDKs know an action.
pub(super) fn has(service: &str, action: &str) -> bool {
    matches!(service, "ec2" | "iam" | "sts" | "s3") && !OWN.contains(&action)
}

/// An action as SDKs have it, if they do.
pub(super) fn shaped(
    service: &'static str,
    action: &'static str,
    fields: &Fields,
) -> Option<Shaped> {
    let unknown = |name: &str| {
        UNKNOWN.iter().any(|(of, known)| *known == name && (of.is_empty() || *of == action))
    };
    if !has(service, action) || fields.iter().any(|(name, _)| unknown(name)) {
        return None;
    }
    let fields = match service {
        "ec2" => fields.iter().map(|(name, value)| renamed(action, name, value)).collect(),
        _ => fields.clone(),
    };
    Some(Shaped { service, action, fields })
}

fn renamed(action: &str, name: &str, value: &Value) -> (String, Value) {
    let below = |value: &Value| match value {
        Value::Parts(parts) => {
            Value::Parts(parts.iter().map(|(name, it)| renamed(action, name, it)).collect())
        }
        other => other.clone(),
    };
    match value {
        Value::List(items) => {
            let known = LISTS
                .iter()
                .find(|(of, known, _)| *known == name && (of.is_empty() || *of == action));
            let name = known.map_or_else(|| format!("{name}s"), |(.., sdk)| (*sdk).to_owned());
            (name, Value::List(items.iter().map(below).collect()))
        }
        other => (name.to_owned(), below(other)),
    }
}

/// A name with its words apart: `CreateVirtualMFADevice` is `create-virtual-mfa-device`.
fn apart(name: &str, by: char) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (at, c) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| letters.get(before));
        let next = letters.get(at + 1);
        let begins = c.is_ascii_uppercase()
            && before.is_some_and(|before| {
                !before.is_ascii_uppercase() || next.is_some_and(char::is_ascii_lowercase)
            });
        if begins && before.is_some_and(|before| before.is_ascii_alphanumeric()) {
            out.push(by);
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// Whether the AWS command line takes a text as it is, and looks for no file or address in it.
fn is_taken(text: &str) -> bool {
    let read = ["file://", "fileb://", "http://", "https://"];
    !read.iter().any(|start| text.starts_with(start))
}

/// JSON as a word of a shell. What a terminal would act upon is written as JSON writes it.
fn json_word(value: &Value) -> Option<String> {
    let mut text = String::new();
    for c in value.json()?.to_string().chars() {
        match is_unseen(c) {
            true => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => text.push(c),
        }
    }
    Some(shell(&text))
}

impl Shaped {
    /// A parameter that is a text.
    fn text(&self, name: &str) -> String {
        let found = self.fields.iter().find(|(known, _)| known == name);
        found.and_then(|(_, value)| value.plain()).unwrap_or_default()
    }

    /// What is done by more than one request of S3, and has a command of its own.
    fn whole(&self) -> Option<(String, String)> {
        let (bucket, key, prefix) = (self.text("Bucket"), self.text("Key"), self.text("Prefix"));
        match self.action {
            "UploadFile" => {
                let (file, to) = (self.text("Filename"), shell(&format!("s3://{bucket}/{key}")));
                let words = [("Filename", &file), ("Bucket", &bucket), ("Key", &key)];
                let words = words.map(|(name, value)| format!("{name}={}", python(value)));
                let python = format!("boto3.client('s3').upload_file({})", words.join(", "));
                Some((format!("aws s3 cp {} {to}", shell(&file)), python))
            }
            "DeleteFolder" => {
                let from = shell(&format!("s3://{bucket}/{prefix}"));
                let python = format!(
                    "boto3.resource('s3').Bucket({}).objects.filter(Prefix={}).delete()",
                    python(&bucket),
                    python(&prefix)
                );
                Some((format!("aws s3 rm --recursive {from}"), python))
            }
            _ => None,
        }
    }

    /// A line of the AWS command line.
    pub(super) fn aws(&self) -> Option<String> {
        if let Some((line, _)) = self.whole() {
            return Some(line);
        }
        let service = if self.service == "s3" { "s3api" } else { self.service };
        let mut line = format!("aws {service} {}", apart(self.action, '-'));
        let mut before = String::new();
        let texts = self.fields.iter().filter_map(|(_, value)| match value {
            Value::Text(text) => Some(text),
            _ => None,
        });
        if !texts.clone().all(|text| is_taken(text)) {
            let whole = json_word(&Value::Parts(self.fields.clone()))?;
            return Some(format!("{line} --cli-input-json {whole}"));
        }
        for (name, value) in self.counted() {
            let option = apart(&name, '-');
            match &value {
                Value::Text(text) if BYTES.contains(&name.as_str()) => {
                    let text = decoded(text)?;
                    before = format!("printf '%s' {} > key.pub && ", shell(&text));
                    line.push_str(&format!(" --{option} fileb://key.pub"));
                }
                Value::Text(text) | Value::Number(text) => match text.starts_with('-') {
                    true => line.push_str(&format!(" --{option}={}", shell(text))),
                    false => line.push_str(&format!(" --{option} {}", shell(text))),
                },
                Value::File(path) => line.push_str(&format!(" --{option} {}", shell(path))),
                Value::Secret(variable) => line.push_str(&format!(" --{option} \"${variable}\"")),
                Value::Flag(true) => line.push_str(&format!(" --{option}")),
                Value::Flag(false) => {
                    let known = OPPOSITES.iter().find(|(known, _)| *known == name);
                    let no = known.map_or_else(|| format!("no-{option}"), |it| it.1.to_owned());
                    line.push_str(&format!(" --{no}"));
                }
                Value::List(items) => {
                    let plain = items.iter().map(|it| match it {
                        Value::Text(text)
                            if is_taken(text) && !text.starts_with(['-', '[', '{']) =>
                        {
                            Some(shell(text))
                        }
                        _ => None,
                    });
                    match plain.collect::<Option<Vec<_>>>() {
                        Some(words) => line.push_str(&format!(" --{option} {}", words.join(" "))),
                        None => {
                            let json = json_word(&value)?;
                            line.push_str(&format!(" --{option} {json}"));
                        }
                    }
                }
                Value::Parts(_) => {
                    let json = json_word(&value)?;
                    line.push_str(&format!(" --{option} {json}"));
                }
            }
        }
        if self.action == "CreateVirtualMFADevice" {
            line.push_str(" --bootstrap-method QRCodePNG --outfile qr-code.png");
        }
        Some(before + &line)
    }

    /// The parameters as the AWS command line has them: of launches it counts in one option.
    fn counted(&self) -> Fields {
        if self.action != "RunInstances" {
            return self.fields.clone();
        }
        let number = |wanted: &str| {
            let found = self.fields.iter().find(|(name, _)| name == wanted);
            found.and_then(|(_, value)| value.plain())
        };
        let count = match (number("MinCount"), number("MaxCount")) {
            (Some(min), Some(max)) if min != max => format!("{min}:{max}"),
            (min, max) => max.or(min).unwrap_or_else(|| "1".to_owned()),
        };
        let others = self.fields.iter().filter(|(name, _)| !name.ends_with("Count"));
        let mut fields: Fields = others.cloned().collect();
        fields.push(("Count".to_owned(), Value::Number(count)));
        fields
    }

    /// A line of Python.
    pub(super) fn boto3(&self) -> Option<String> {
        if let Some((_, line)) = self.whole() {
            return Some(line);
        }
        let mut words = Vec::new();
        let mut fields = self.fields.clone();
        if self.action == "RunInstances" {
            for name in ["MinCount", "MaxCount"] {
                if !fields.iter().any(|(known, _)| known == name) {
                    fields.push((name.to_owned(), Value::Number("1".to_owned())));
                }
            }
        }
        for (name, value) in &fields {
            let value = match value {
                Value::Text(text) if BYTES.contains(&name.as_str()) => {
                    format!("{}.encode()", python(&decoded(text)?))
                }
                other => literal(other),
            };
            words.push(format!("{name}={value}"));
        }
        let (service, action) = (self.service, apart(self.action, '_'));
        Some(format!("boto3.client('{service}').{action}({})", words.join(", ")))
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::Text(text) => python(text),
        Value::Number(number) => number.clone(),
        Value::Flag(true) => "True".to_owned(),
        Value::Flag(false) => "False".to_owned(),
        Value::List(items) => {
            format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", "))
        }
        Value::Parts(parts) => {
            let part = |(name, it): &(String, Value)| format!("{}: {}", python(name), literal(it));
            format!("{{{}}}", parts.iter().map(part).collect::<Vec<_>>().join(", "))
        }
        Value::Secret(variable) => format!("os.environ['{variable}']"),
        Value::File(path) => format!("open({}, 'rb')", python(path)),
    }
}

/// A text that the query protocol has in base64.
pub(super) fn decoded(base64: &str) -> Option<String> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let packed: String = base64.split_ascii_whitespace().collect();
    String::from_utf8(STANDARD.decode(packed).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_as_clients_do() {
        for (name, words) in [
            ("RunInstances", "run-instances"),
            ("CreateVirtualMFADevice", "create-virtual-mfa-device"),
            ("EnableMFADevice", "enable-mfa-device"),
            ("AuthenticationCode1", "authentication-code1"),
            ("UserId", "user-id"),
            ("PolicyArn", "policy-arn"),
            ("SSHPublicKeyId", "ssh-public-key-id"),
            ("PutObjectAcl", "put-object-acl"),
        ] {
            assert_eq!(apart(name, '-'), words);
        }
    }
}
