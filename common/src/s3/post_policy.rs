//! The policy of an upload by form: what its signer lets others put where, and until when.
//!
//! A policy is a JSON document in base64. Its owner signs it ([`crate::sign::PolicyClaim`]) and
//! hands it on; whoever has it may send what it allows: a browser's form to S3 (PostObject), or the
//! cloud itself with the bundle of an instance (BundleInstance).
//!
//! ```text
//! { "expiration": "2026-11-23T10:53:54Z",
//!   "conditions": [ {"bucket": "b"}, ["eq", "$acl", "ec2-bundle-read"],
//!                   ["starts-with", "$key", "image"], ["content-length-range", 0, 10485760] ] }
//! ```
//!
//! All conditions must hold, and every field of the form must be named by one, except those that
//! carry the policy and its signature, the file itself, and `x-ignore-…`. The bucket counts as a
//! field. Names and operators know no case, values do. What cannot be understood is refused: a
//! condition that is passed over would allow what its author meant to forbid.
//!
//! Nothing here reads a clock, proves a signature or looks at a file: the size of the file is
//! asked for with [`Policy::sizes`].

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};

use super::types::{BucketName, CannedAcl};
use crate::error::{ApiError, ErrorCode};
use crate::time::Timestamp;

/// The longest policy, in bytes of base64; as much as all fields of a form may have together.
pub const MAX_POLICY: usize = 20 * 1024;

/// How many characters of a name that is wrong are told.
const MOST_TOLD: usize = 64;

/// The most conditions of a policy.
const MAX_CONDITIONS: usize = 100;

/// Base64 whose padding may be missing.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The fields that no condition needs to name.
const EXEMPT: [&str; 5] = ["awsaccesskeyid", "file", "policy", "signature", "x-amz-signature"];

/// Stands where the file's name is to come.
const FILENAME: &str = "${filename}";

/// The beginning of fields that nobody reads.
const IGNORED: &str = "x-ignore-";

/// What a policy is held against: the bucket and the fields of a form, each name once, in lower
/// case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Adds a field, its name in any case.
    ///
    /// # Errors
    /// `InvalidArgument` if it is there already: two readers could see two requests.
    pub fn add(&mut self, name: &str, value: impl Into<String>) -> Result<(), ApiError> {
        let lower = name.to_ascii_lowercase();
        if self.get(&lower).is_some() {
            let text = format!("The form has more than one field '{}'", brief(name));
            return Err(ApiError::new(ErrorCode::InvalidArgument, text));
        }
        self.0.push((lower, value.into()));
        Ok(())
    }

    /// The value of the field of that lower-case name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// All fields in their order, names in lower case.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// Puts the file's name in the place of each `${filename}`, in every field as S3 does: the text
    /// behind its last slash or backslash, since some browsers send a path. Names and values
    /// together may have `most` bytes then.
    ///
    /// # Errors
    /// `MaxPostPreDataLengthExceeded` if they would have more; nothing is replaced.
    pub fn name_file(&mut self, file: &str, most: usize) -> Result<(), ApiError> {
        let name = file.rsplit(['/', '\\']).next().unwrap_or_default();
        let open = |field: &str| !EXEMPT.contains(&field);
        let grown = |field: &str, value: &str| {
            let times = if open(field) { value.matches(FILENAME).count() } else { 0 };
            let rest = value.len() - times * FILENAME.len();
            times.saturating_mul(name.len()).saturating_add(rest).saturating_add(field.len())
        };
        // Counted before anything is made: whoever sends a form has not shown yet who they are.
        let bytes = self.0.iter().map(|(field, value)| grown(field, value));
        if bytes.fold(0, usize::saturating_add) > most {
            let text = "Your POST request fields preceding the upload file were too large";
            return Err(ApiError::new(ErrorCode::MaxPostPreDataLengthExceeded, text));
        }
        for (_, value) in self.0.iter_mut().filter(|(field, _)| open(field)) {
            *value = value.replace(FILENAME, name);
        }
        Ok(())
    }
}

/// So much of a text that somebody sent as is told back to them.
pub(super) fn brief(text: &str) -> String {
    match text.char_indices().nth(MOST_TOLD) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// How many bytes a file may have, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// The least.
    pub least: u64,
    /// The most.
    pub most: u64,
}

impl Sizes {
    /// Looks at a file's size.
    ///
    /// # Errors
    /// `EntityTooSmall`, `EntityTooLarge`.
    pub fn check(&self, bytes: u64) -> Result<(), ApiError> {
        let (code, text, limit) = if bytes < self.least {
            let text = "Your proposed upload is smaller than the minimum allowed size";
            (ErrorCode::EntityTooSmall, text, ("MinSizeAllowed", self.least))
        } else if bytes > self.most {
            let text = "Your proposed upload exceeds the maximum allowed size";
            (ErrorCode::EntityTooLarge, text, ("MaxSizeAllowed", self.most))
        } else {
            return Ok(());
        };
        let error = ApiError::new(code, format!("{text} of {} bytes", limit.1));
        Err(error.showing("ProposedSize", bytes.to_string()).showing(limit.0, limit.1.to_string()))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Match {
    Whole,
    Beginning,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    field: String,
    by: Match,
    value: String,
    /// As it stands in the policy, for the one who is told that it does not hold.
    text: String,
}

/// What a policy allows, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    expiration: Timestamp,
    conditions: Vec<Condition>,
    sizes: Option<Sizes>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    expiration: String,
    conditions: Vec<Value>,
}

impl Policy {
    /// Reads a policy in base64; blanks and line ends in it mean nothing.
    ///
    /// # Errors
    /// `InvalidPolicyDocument` for what is too long, no base64, no JSON, or says something that is
    /// not understood.
    pub fn read(base64: &str) -> Result<Self, ApiError> {
        if base64.len() > MAX_POLICY {
            return Err(invalid(format!("it is longer than {MAX_POLICY} bytes")));
        }
        let packed: String = base64.split_ascii_whitespace().collect();
        let bytes = LENIENT.decode(packed).map_err(|_| invalid("it is not base64"))?;
        let text = String::from_utf8(bytes).map_err(|_| invalid("it is not UTF-8"))?;
        let document: Document = serde_json::from_str(&with_own_escapes(&text))
            .map_err(|error| invalid(format!("it is no such JSON: {error}")))?;
        // The T makes it ISO 8601; elsewhere a blank may stand there.
        let expiration = Some(document.expiration.as_str())
            .filter(|text| text.contains('T'))
            .and_then(|text| Timestamp::parse_iso(text).ok())
            .ok_or_else(|| {
                invalid(format!("its expiration is no date: '{}'", document.expiration))
            })?;
        if document.conditions.len() > MAX_CONDITIONS {
            return Err(invalid(format!("it has more than {MAX_CONDITIONS} conditions")));
        }
        let mut policy = Self { expiration, conditions: Vec::new(), sizes: None };
        document.conditions.iter().try_for_each(|one| policy.take(one))?;
        Ok(policy)
    }

    fn take(&mut self, one: &Value) -> Result<(), ApiError> {
        let odd = |why: &str| invalid(format!("the condition {one} {why}"));
        match one {
            Value::Object(pairs) => {
                let mut pairs = pairs.iter();
                let (Some((field, value)), None) = (pairs.next(), pairs.next()) else {
                    return Err(odd("does not name exactly one field"));
                };
                let value = value.as_str().ok_or_else(|| odd("has a value that is no text"))?;
                let text = format!("[\"eq\", \"${field}\", {}]", json!(value));
                self.condition(field, Match::Whole, value, text);
            }
            Value::Array(items) => {
                let operator = items.first().and_then(Value::as_str).unwrap_or_default();
                let [_, second, third] = items.as_slice() else {
                    return Err(odd("does not have three elements"));
                };
                let by = match operator.to_ascii_lowercase().as_str() {
                    "eq" => Match::Whole,
                    "starts-with" => Match::Beginning,
                    "content-length-range" => {
                        let number = |value: &Value| {
                            value.as_u64().or_else(|| value.as_str()?.parse::<u64>().ok())
                        };
                        let (Some(least), Some(most)) = (number(second), number(third)) else {
                            return Err(odd("does not have two sizes"));
                        };
                        let known = self.sizes.unwrap_or(Sizes { least: 0, most: u64::MAX });
                        self.sizes = Some(Sizes {
                            least: least.max(known.least),
                            most: most.min(known.most),
                        });
                        return Ok(());
                    }
                    _ => return Err(odd("has an operator that is not known")),
                };
                let field = second.as_str().and_then(|name| name.strip_prefix('$'));
                let field = field.ok_or_else(|| odd("does not name a field with a '$'"))?;
                let value = third.as_str().ok_or_else(|| odd("has a value that is no text"))?;
                let text = format!("[\"{operator}\", \"${field}\", {}]", json!(value));
                self.condition(field, by, value, text);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                return Err(odd("is neither a list nor an object"));
            }
        }
        Ok(())
    }

    fn condition(&mut self, field: &str, by: Match, value: &str, text: String) {
        let (field, value) = (field.to_ascii_lowercase(), value.to_owned());
        self.conditions.push(Condition { field, by, value, text });
    }

    /// The moment from which on it allows nothing.
    pub fn expiration(&self) -> Timestamp {
        self.expiration
    }

    /// How many bytes the file may have, if it says.
    pub fn sizes(&self) -> Option<Sizes> {
        self.sizes
    }

    /// Holds the policy against the fields of a form, `bucket` among them. The size of the file is
    /// not among them: see [`Policy::sizes`].
    ///
    /// # Errors
    /// `AccessDenied`, naming the condition that does not hold or the field that none allows.
    pub fn check(&self, fields: &Fields, now: Timestamp) -> Result<(), ApiError> {
        let denied = |why: String| {
            ApiError::new(ErrorCode::AccessDenied, format!("Invalid according to Policy: {why}"))
        };
        if self.expiration <= now {
            return Err(denied("Policy expired.".to_owned()));
        }
        if let Some(broken) = self.conditions.iter().find(|one| !one.holds(fields)) {
            return Err(denied(format!("Policy Condition failed: {}", broken.text)));
        }
        let allowed = |name: &str| {
            EXEMPT.contains(&name)
                || name.starts_with(IGNORED)
                || self.conditions.iter().any(|one| one.field == name)
        };
        let extra: Vec<&str> =
            fields.0.iter().map(|(name, _)| name.as_str()).filter(|name| !allowed(name)).collect();
        match extra.is_empty() {
            true => Ok(()),
            false => Err(denied(format!("Extra input fields: {}", extra.join(", ")))),
        }
    }
}

impl Condition {
    fn holds(&self, fields: &Fields) -> bool {
        let Some(value) = fields.get(&self.field) else { return false };
        match self.by {
            Match::Whole => value == self.value,
            // Several types in one field must each be allowed.
            Match::Beginning if self.field == "content-type" => {
                value.split(',').all(|one| one.trim_start().starts_with(&self.value))
            }
            Match::Beginning => value.starts_with(&self.value),
        }
    }
}

fn invalid(why: impl std::fmt::Display) -> ApiError {
    ApiError::new(ErrorCode::InvalidPolicyDocument, format!("Invalid Policy: {why}"))
}

/// Translates the two escapes that policies know and JSON does not, `\$` and `\v`.
fn with_own_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            Some('$') => out.push('$'),
            Some('v') => out.push_str("\\u000b"),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

/// Writes a policy, in base64, that lets a bundle be put into a bucket: keys that begin with
/// `prefix`, with that access control list, before `expiration`.
pub fn for_bundle(
    bucket: &BucketName,
    prefix: &str,
    acl: CannedAcl,
    expiration: Timestamp,
) -> String {
    let document = json!({
        "expiration": expiration.iso(),
        "conditions": [
            {"bucket": bucket.as_str()},
            {"acl": acl.as_str()},
            ["starts-with", "$key", prefix],
        ],
    });
    STANDARD.encode(document.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// 2026-11-22T10:50:32Z
    const NOW: Timestamp = Timestamp::from_secs(1_795_344_632);

    fn read(document: &str) -> Result<Policy, ApiError> {
        Policy::read(&STANDARD.encode(document))
    }

    fn with(conditions: &str) -> Result<Policy, ApiError> {
        read(&format!(r#"{{"expiration":"2026-11-23T00:00:00Z","conditions":[{conditions}]}}"#))
    }

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        let mut fields = Fields::default();
        pairs.iter().for_each(|(name, value)| fields.add(name, *value).unwrap());
        fields
    }

    fn said(conditions: &str, pairs: &[(&str, &str)]) -> String {
        match with(conditions).unwrap().check(&fields(pairs), NOW) {
            Ok(()) => String::new(),
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::AccessDenied);
                error.text().strip_prefix("Invalid according to Policy: ").unwrap().to_owned()
            }
        }
    }

    #[test]
    fn conditions_hold_or_are_named() {
        let bundle = r#"{"bucket":"b"},{"acl":"ec2-bundle-read"},["starts-with","$key","image"]"#;
        let form = [("bucket", "b"), ("key", "image.part.0"), ("acl", "ec2-bundle-read")];
        assert_eq!(said(bundle, &form), "");
        let but = |at: usize, value| {
            let mut form = form;
            form[at].1 = value;
            said(bundle, &form)
        };
        assert_eq!(but(0, "c"), r#"Policy Condition failed: ["eq", "$bucket", "b"]"#);
        assert_eq!(but(0, "B"), r#"Policy Condition failed: ["eq", "$bucket", "b"]"#);
        assert_eq!(but(1, "imag"), r#"Policy Condition failed: ["starts-with", "$key", "image"]"#);
        assert_eq!(
            but(2, "private"),
            r#"Policy Condition failed: ["eq", "$acl", "ec2-bundle-read"]"#
        );
        assert_eq!(said(bundle, &form[..2]), but(2, "private"));
        let more = [&form[..], &[("Content-Type", "x"), ("x-amz-meta-a", "1")]].concat();
        assert_eq!(said(bundle, &more), "Extra input fields: content-type, x-amz-meta-a");
    }

    #[test]
    fn table_of_conditions() {
        for (conditions, pairs, holds) in [
            ("", &[][..], true),
            ("", &[("bucket", "b")], false),
            (
                r#"{"bUcKeT":"b"},["StArTs-WiTh","$KeY","a"]"#,
                &[("bucket", "b"), ("KEY", "a")],
                true,
            ),
            (r#"["eq","$key","a"],["starts-with","$key","ab"]"#, &[("key", "a")], false),
            (r#"["starts-with","$key",""]"#, &[("key", "")], true),
            (r#"["starts-with","$x-amz-meta-a",""]"#, &[], false),
            (r#"["starts-with","$key","\$foo"]"#, &[("key", "$foo")], true),
            (r#"["starts-with","$key","\\$foo"]"#, &[("key", "\\$foo")], true),
            (r#"["eq","$key","a\vb\u00e9"]"#, &[("key", "a\u{b}bé")], true),
            (
                r#"["starts-with","$Content-Type","image/"]"#,
                &[("content-type", "image/a, image/b")],
                true,
            ),
            (
                r#"["starts-with","$Content-Type","image/"]"#,
                &[("content-type", "image/a,text/x")],
                false,
            ),
            (r#"["starts-with","$key","a"]"#, &[("key", "a,b")], true),
            (
                "",
                &[
                    ("policy", "p"),
                    ("AWSAccessKeyId", "a"),
                    ("Signature", "s"),
                    ("x-amz-signature", "s"),
                    ("file", "f"),
                    ("x-ignore-me", "1"),
                ],
                true,
            ),
            ("", &[("x-amz-date", "d")], false),
            ("", &[("success_action_status", "201")], false),
            ("", &[("x-ignored", "1")], false),
        ] {
            assert_eq!(said(conditions, pairs).is_empty(), holds, "{conditions} {pairs:?}");
        }
    }

    #[test]
    fn expirations_as_clients_write_them() {
        let until = |text: &str| {
            read(&format!(r#"{{"expiration":"{text}","conditions":[]}}"#)).map(|p| p.expiration())
        };
        for text in [
            "2026-11-22T10:50:32Z",
            "2026-11-22T10:50:32",
            "2026-11-22T10:50:32.000Z",
            "2026-11-22T10:50:32.000000Z",
            "2026-11-22T11:50:32+01:00",
        ] {
            assert_eq!(until(text).unwrap(), NOW, "{text}");
        }
        for text in ["", "2026-11-22", "2026-11-22 10:50:32+00:00", "tomorrow", "1795344632"] {
            let error = until(text).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidPolicyDocument, "{text}");
        }
        let policy = read(r#"{"expiration":"2026-11-22T10:50:32Z","conditions":[]}"#).unwrap();
        let check = |now| policy.check(&Fields::default(), now).map_err(|e| e.text().to_owned());
        assert_eq!(check(NOW.minus(Duration::from_millis(1))), Ok(()));
        assert_eq!(check(NOW), Err("Invalid according to Policy: Policy expired.".to_owned()));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for conditions in [
            "{}",
            "[]",
            "1",
            "null",
            r#""bucket""#,
            r#"{"bucket":"b","acl":"a"}"#,
            r#"{"bucket":1}"#,
            r#"{"bucket":["b"]}"#,
            r#"["eq","$key"]"#,
            r#"["eq","$key","a","b"]"#,
            r#"["eq","key","a"]"#,
            r#"["eq",1,"a"]"#,
            r#"["eq","$key",1]"#,
            r#"["ends-with","$key","a"]"#,
            r#"["","$key","a"]"#,
            r#"[["eq"],"$key","a"]"#,
            r#"["content-length-range",0]"#,
            r#"["content-length-range",-1,0]"#,
            r#"["content-length-range",0,1.5]"#,
            r#"["content-length-range","a","b"]"#,
            &vec![r#"{"a":"b"}"#; 101].join(","),
        ] {
            let error = with(conditions).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidPolicyDocument, "{conditions}");
        }
        for document in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"expiration":"2026-11-23T00:00:00Z"}"#,
            r#"{"conditions":[]}"#,
            r#"{"EXPIRATION":"2026-11-23T00:00:00Z","conditions":[]}"#,
            r#"{"expiration":"2026-11-23T00:00:00Z","CONDITIONS":[]}"#,
            r#"{"expiration":1,"conditions":[]}"#,
            r#"{"expiration":"2026-11-23T00:00:00Z","conditions":{}}"#,
            r#"{"expiration":"2026-11-23T00:00:00Z","conditions":[],"more":1}"#,
            r#"{"expiration":"2026-11-23T00:00:00Z","conditions":[],"conditions":[]}"#,
            r#"{"expiration":"2026-11-23T00:00:00Z","conditions":[]} x"#,
            &"[".repeat(5000),
        ] {
            let error = read(document).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidPolicyDocument, "{document}");
        }
        for raw in ["*", "////", &"A".repeat(MAX_POLICY + 4)] {
            let error = Policy::read(raw).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidPolicyDocument);
        }
    }

    #[test]
    fn what_is_damaged_is_refused_or_means_something() {
        let whole = r#"{"expiration":"2026-11-23T00:00:00Z","conditions":[["eq","$k\$\v","a"]]}"#;
        for at in 0..whole.len() {
            for byte in [b'"', b'\\', b'{', b']', b'0', b' ', 0, 0xff] {
                let mut bytes = whole.as_bytes().to_vec();
                bytes[at] = byte;
                if let Err(error) = Policy::read(&STANDARD.encode(&bytes)) {
                    assert_eq!(error.code(), ErrorCode::InvalidPolicyDocument);
                }
            }
            assert!(read(&whole[..at]).is_err());
        }
    }

    #[test]
    fn base64_may_be_wrapped() {
        let packed = STANDARD.encode(r#"{"expiration":"2026-11-23T00:00:00Z","conditions":[]}"#);
        let (one, two) = packed.split_at(20);
        assert_eq!(Policy::read(&format!("{one}\r\n{two}\n")), Policy::read(&packed));
        assert_eq!(Policy::read(packed.trim_end_matches('=')), Policy::read(&packed));
    }

    #[test]
    fn sizes_have_two_ends() {
        let sizes = |conditions| with(conditions).unwrap().sizes();
        assert_eq!(sizes(""), None);
        let range = sizes(r#"["content-length-range","1",10]"#).unwrap();
        assert_eq!(range, Sizes { least: 1, most: 10 });
        for (bytes, code) in [
            (0, Some(ErrorCode::EntityTooSmall)),
            (1, None),
            (10, None),
            (11, Some(ErrorCode::EntityTooLarge)),
        ] {
            assert_eq!(range.check(bytes).err().map(|error| error.code()), code, "{bytes}");
        }
        let error = range.check(11).unwrap_err();
        assert_eq!(error.shown()[0], ("ProposedSize", "11".to_owned()));
        assert_eq!(error.shown()[1], ("MaxSizeAllowed", "10".to_owned()));
        let both = r#"["content-length-range",0,10],["content-length-range",5,20]"#;
        assert_eq!(sizes(both), Some(Sizes { least: 5, most: 10 }));
    }

    #[test]
    fn names_of_files() {
        let mut form = fields(&[("key", "a/${filename}"), ("policy", "${filename}")]);
        form.name_file("C:\\fake/path\\b.txt", 1000).unwrap();
        assert_eq!((form.get("key"), form.get("policy")), (Some("a/b.txt"), Some("${filename}")));
        assert_eq!(form.add("KEY", "x").unwrap_err().code(), ErrorCode::InvalidArgument);
    }

    #[test]
    fn names_of_files_make_no_form_long() {
        let sent = [("key", "a/${filename}"), ("x-ignore-a", "${filename}${filename}")];
        // Field names, what stands beside, and three times the name.
        let bytes = "keyx-ignore-aa/".len() + 3 * 20;
        let mut form = fields(&sent);
        let error = form.name_file(&"n".repeat(20), bytes - 1).unwrap_err();
        assert_eq!(error.code(), ErrorCode::MaxPostPreDataLengthExceeded);
        assert_eq!(form, fields(&sent));
        form.name_file(&"n".repeat(20), bytes).unwrap();
        assert_eq!(form.get("x-ignore-a"), Some("n".repeat(40).as_str()));
        let mut form = fields(&[("bucket", &"${filename}".repeat(900))]);
        assert!(form.name_file(&"n".repeat(10 << 10), 20 << 10).is_err());
        let text = form.add(&"é".repeat(100), "").and(form.add(&"é".repeat(100), "")).unwrap_err();
        assert!(text.text().len() < 200 && text.text().ends_with("…'"), "{text}");
    }

    #[test]
    fn a_policy_for_a_bundle_allows_it() {
        let bucket = "buck".parse().unwrap();
        let packed = for_bundle(&bucket, "a\"b", CannedAcl::Ec2BundleRead, NOW);
        let policy = Policy::read(&packed).unwrap();
        let mut form =
            fields(&[("bucket", "buck"), ("acl", "ec2-bundle-read"), ("key", "a\"b.part.0")]);
        assert_eq!(policy.check(&form, Timestamp::EPOCH), Ok(()));
        form.add("x", "y").unwrap();
        assert!(policy.check(&form, Timestamp::EPOCH).is_err());
        assert_eq!(policy.expiration(), NOW);
    }
}
