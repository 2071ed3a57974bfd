//! The XML dialects: EC2's envelope, its item lists, and errors in the shape of each API.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::ApiError;

/// A list as EC2 writes it: `<xSet><item>…</item></xSet>`. Empty lists are written, not left out:
/// clients take a missing list for an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Set<T> {
    /// The items.
    #[serde(default = "Vec::new")]
    pub item: Vec<T>,
}

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self { item: Vec::new() }
    }
}

impl<T> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self { item: items.into_iter().collect() }
    }
}

impl<T> From<Vec<T>> for Set<T> {
    fn from(item: Vec<T>) -> Self {
        Self { item }
    }
}

impl<T> Set<T> {
    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.item.is_empty()
    }
}

/// The answer of an EC2 action.
#[derive(Serialize)]
struct Ec2Answer<'a, T> {
    #[serde(rename = "@xmlns")]
    xmlns: String,
    #[serde(rename = "requestId")]
    request_id: &'a str,
    #[serde(flatten)]
    output: &'a T,
}

/// Writes the answer of an EC2 action in the namespace of the version that was asked for.
///
/// # Errors
/// If an output cannot be written as XML.
pub fn ec2_answer<T: Serialize>(
    action: &str,
    version: &str,
    request_id: &str,
    output: &T,
) -> Result<String, quick_xml::SeError> {
    let answer =
        Ec2Answer { xmlns: format!("http://ec2.amazonaws.com/doc/{version}/"), request_id, output };
    let xml = quick_xml::se::to_string_with_root(&format!("{action}Response"), &answer)?;
    Ok(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", legible(&xml)))
}

/// Reads the answer of an EC2 action; the envelope is ignored.
///
/// # Errors
/// If it is not the XML of that output.
pub fn read_ec2_answer<T: DeserializeOwned>(xml: &str) -> Result<T, quick_xml::DeError> {
    quick_xml::de::from_str(xml)
}

/// Puts `\u{fffd}` in the place of characters that XML cannot hold, not even escaped: one of them
/// in one name would make the whole answer unreadable.
fn legible(text: &str) -> Cow<'_, str> {
    let illegible = |c| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    // Bytes are looked at faster than characters, and almost no text has one of these.
    let is_suspect = |byte: &u8| matches!(byte, 0..=8 | 0xb | 0xc | 0xe..=0x1f | 0xef);
    match text.as_bytes().iter().any(is_suspect) && text.contains(illegible) {
        true => Cow::Owned(text.replace(illegible, "\u{fffd}")),
        false => Cow::Borrowed(text),
    }
}

fn escape(text: &str) -> String {
    quick_xml::escape::escape(legible(text)).into_owned()
}

/// An error as EC2 tells it.
pub fn ec2_error(error: &ApiError, request_id: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{}</Code>\
         <Message>{}</Message></Error></Errors><RequestID>{request_id}</RequestID></Response>",
        error.code().wire(),
        escape(error.text()),
    )
}

/// In which shape a query API answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// As EC2.
    Ec2,
    /// As 2.0's administration: errors as EC2, elements with the prefix `euca:`.
    Eucalyptus,
    /// As IAM and STS, in this namespace.
    Iam(&'static str),
    /// As JSON, which is what CloudTrail speaks.
    Json,
}

impl Shape {
    /// What answers in this shape are.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Ec2 | Self::Eucalyptus | Self::Iam(_) => "text/xml;charset=UTF-8",
            Self::Json => "application/x-amz-json-1.1",
        }
    }

    /// An error in this shape.
    pub fn error(self, error: &ApiError, request_id: &str) -> String {
        let namespace = match self {
            Self::Ec2 | Self::Eucalyptus => return ec2_error(error, request_id),
            Self::Json => {
                let (code, text) = (error.code().wire(), error.text());
                return serde_json::json!({ "__type": code, "message": text }).to_string();
            }
            Self::Iam(namespace) => namespace,
        };
        let at_fault = if error.code().status() < 500 { "Sender" } else { "Receiver" };
        format!(
            "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{at_fault}</Type><Code>{}</Code>\
             <Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
            error.code().wire(),
            escape(error.text()),
        )
    }
}

/// The answer of an IAM or STS action.
#[derive(Serialize)]
struct IamAnswer<'a, T> {
    #[serde(rename = "@xmlns")]
    xmlns: &'a str,
    #[serde(rename = "Result")]
    output: &'a T,
    #[serde(rename = "ResponseMetadata")]
    metadata: Metadata<'a>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    #[serde(rename = "RequestId")]
    request_id: &'a str,
}

/// Writes the answer of an IAM or STS action.
///
/// # Errors
/// If an output cannot be written as XML.
pub fn iam_answer<T: Serialize>(
    action: &str,
    namespace: &str,
    request_id: &str,
    output: &T,
) -> Result<String, quick_xml::SeError> {
    let answer = IamAnswer { xmlns: namespace, output, metadata: Metadata { request_id } };
    let xml = quick_xml::se::to_string_with_root(&format!("{action}Response"), &answer)?;
    // An action that has nothing to say says so in an empty element: where the API's model has one,
    // clients look for it, and elsewhere they pass it over.
    let empty = "<Result/>";
    if let Some(at) = xml.find('>').filter(|at| xml[at + 1..].starts_with(empty)) {
        let (head, tail) = (&xml[..=at], &xml[at + 1 + empty.len()..]);
        return Ok(format!("{head}<{action}Result/>{tail}"));
    }
    // The result's element bears the action's name, which no type can know; only the outermost
    // pair of tags is renamed, since the first and the last that stand there are it.
    let (open, close) = ("<Result>", "</Result>");
    let named = xml.replacen(open, &format!("<{action}Result>"), 1);
    let named = match named.rfind(close) {
        Some(at) => {
            format!("{}</{action}Result>{}", &named[..at], &named[at + close.len()..])
        }
        None => named,
    };
    Ok(legible(&named).into_owned())
}

/// The answer of an action of administration.
#[derive(Serialize)]
struct EucalyptusAnswer<'a, T> {
    #[serde(rename = "@xmlns:euca")]
    xmlns: &'a str,
    #[serde(rename = "euca:correlationId")]
    request_id: &'a str,
    #[serde(rename = "euca:_return")]
    done: bool,
    #[serde(flatten)]
    output: &'a T,
}

/// Writes the answer of an action of administration, in the one form that 2.0's tools read.
///
/// # Errors
/// If an output cannot be written as XML.
pub fn eucalyptus_answer<T: Serialize>(
    action: &str,
    request_id: &str,
    output: &T,
) -> Result<String, quick_xml::SeError> {
    let xmlns = "http://msgs.eucalyptus.com";
    let answer = EucalyptusAnswer { xmlns, request_id, done: true, output };
    let root = format!("euca:{action}ResponseType");
    let xml = quick_xml::se::to_string_with_root(&root, &answer)?;
    Ok(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", legible(&xml)))
}

/// An error as S3 tells it.
pub fn s3_error(error: &ApiError, resource: &str, request_id: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>\
         <Resource>{}</Resource><RequestId>{request_id}</RequestId></Error>",
        error.code().wire(),
        escape(error.text()),
        escape(error.resource().unwrap_or(resource)),
    )
}

/// The code and message of an error answer in the shape of any of the APIs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldError {
    /// The code on the wire.
    pub code: String,
    /// The sentence.
    pub message: String,
}

/// Finds `<Code>` and `<Message>` in an error answer, wherever its API nests them.
pub fn read_error(xml: &str) -> Option<ToldError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Flat {
        code: String,
        #[serde(default)]
        message: String,
    }
    #[derive(Deserialize)]
    struct Nested {
        #[serde(rename = "Error")]
        error: Flat,
    }
    #[derive(Deserialize)]
    struct Twice {
        #[serde(rename = "Errors")]
        errors: Nested,
    }
    let flat = quick_xml::de::from_str::<Twice>(xml)
        .map(|twice| twice.errors.error)
        .or_else(|_| quick_xml::de::from_str::<Nested>(xml).map(|nested| nested.error))
        .or_else(|_| quick_xml::de::from_str::<Flat>(xml));
    flat.ok().map(|flat| ToldError { code: flat.code, message: flat.message })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Output {
        key_set: Set<Key>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        enabled: bool,
        count: u32,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Key {
        key_name: String,
    }

    #[test]
    fn an_answer_has_its_envelope_and_is_read_back() {
        let output = Output {
            key_set: Set { item: vec![Key { key_name: "a<b&\"日本".into() }] },
            note: None,
            enabled: true,
            count: 3,
        };
        let xml = ec2_answer("DescribeKeyPairs", "2016-11-15", "r-1", &output).unwrap();
        assert!(
            xml.contains(
                "<DescribeKeyPairsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
             <requestId>r-1</requestId><keySet><item><keyName>a&lt;b&amp;"
            ),
            "{xml}"
        );
        assert_eq!(read_ec2_answer::<Output>(&xml).unwrap(), output);
    }

    #[test]
    fn an_empty_list_is_written() {
        let output = Output { key_set: Set::default(), note: None, enabled: false, count: 0 };
        let xml = ec2_answer("X", "v", "r", &output).unwrap();
        assert!(xml.contains("<keySet/>"), "{xml}");
        assert_eq!(read_ec2_answer::<Output>(&xml).unwrap(), output);
    }

    #[test]
    fn errors_are_told_in_each_shape_and_understood() {
        let error = ApiError::new(ErrorCode::NoSuchBucket, "no <such> & bucket\u{1}");
        for xml in [ec2_error(&error, "r"), s3_error(&error, "/b", "r")] {
            let told = read_error(&xml).unwrap();
            assert_eq!(told.code, "NoSuchBucket");
            assert_eq!(told.message, "no <such> & bucket\u{fffd}");
        }
        assert_eq!(read_error("<html>gateway</html>"), None);
        assert_eq!(read_error("not xml"), None);
    }

    #[test]
    fn texts_come_back_as_they_were_whatever_they_hold() {
        let pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIE+/=\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        for text in
            [pem, " a ", "\ta\n", "a\r\nb", "]]>", "<!-- x -->", "&amp;", "&#10;", "日本\u{1f600}"]
        {
            let output = Output {
                key_set: Set { item: vec![Key { key_name: text.into() }] },
                note: Some(text.into()),
                enabled: true,
                count: 3,
            };
            let xml = ec2_answer("CreateKeyPair", "2016-11-15", "r", &output).unwrap();
            assert_eq!(read_ec2_answer::<Output>(&xml).unwrap(), output, "{xml}");
        }
    }

    #[test]
    fn an_answer_holds_nothing_that_xml_cannot() {
        let text = "a\0b\u{1}\u{1b}\u{fffe}\u{ffff}c";
        let output = Output {
            key_set: Set { item: vec![Key { key_name: text.into() }] },
            note: None,
            enabled: true,
            count: 3,
        };
        let error = ApiError::new(ErrorCode::InvalidKeyPairNotFound, text);
        for xml in [
            ec2_answer("DescribeKeyPairs", text, "r", &output).unwrap(),
            ec2_error(&error, "r"),
            s3_error(&error, text, "r"),
        ] {
            assert!(!xml.contains(['\0', '\u{1}', '\u{1b}', '\u{fffe}', '\u{ffff}']), "{xml:?}");
        }
        let xml = ec2_answer("X", "\"><a b='&", "r", &output).unwrap();
        assert!(read_ec2_answer::<Output>(&xml).is_ok(), "{xml}");
    }
}
