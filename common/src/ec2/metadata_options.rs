//! How instances may ask for their metadata: what a launch says of it, what is shown, and how it is
//! changed later.

use serde::{Deserialize, Serialize};

use super::subjects;
use super::types::is_blank;
use crate::actions;
use crate::error::{ApiError, ErrorCode};
use crate::iam::Context;
use crate::wire::spec::MetadataOptions;

/// The options as they are asked for, at a launch or later. What is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetadataRequest {
    /// `optional` (the default of a launch) or `required`.
    #[serde(default)]
    pub http_tokens: Option<String>,
    /// 1 (the default of a launch) to 64.
    #[serde(default)]
    pub http_put_response_hop_limit: Option<i64>,
    /// `enabled` (the default of a launch) or `disabled`.
    #[serde(default)]
    pub http_endpoint: Option<String>,
    /// `disabled`: guests reach the service by IPv4.
    #[serde(default)]
    pub http_protocol_ipv6: Option<String>,
    /// `disabled`: tags are not among the metadata.
    #[serde(default)]
    pub instance_metadata_tags: Option<String>,
}

impl MetadataRequest {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What it says that conditions may ask for, by keys that begin so: `ec2:Metadata` of what is
    /// launched, `ec2:Attribute/` of what is changed.
    pub fn said(&self, beginning: &str) -> Context {
        let hops = self.http_put_response_hop_limit.map(|hops| hops.to_string());
        Context::new()
            .with_some(&format!("{beginning}HttpTokens"), self.http_tokens.as_deref())
            .with_some(&format!("{beginning}HttpEndpoint"), self.http_endpoint.as_deref())
            .with_some(&format!("{beginning}HttpPutResponseHopLimit"), hops)
    }

    /// Puts what is asked for into options. `prefix` stands before the parameters' names in
    /// errors (`MetadataOptions.` at a launch). The revision stays.
    ///
    /// # Errors
    /// `InvalidParameterValue` or `UnsupportedOperation`, naming the parameter.
    pub fn apply(&self, prefix: &str, options: &mut MetadataOptions) -> Result<(), ApiError> {
        let choose = |name: &str, value: &Option<String>, off: &str, on: &str| match value {
            None => Ok(None),
            Some(text) if text == on => Ok(Some(true)),
            Some(text) if text == off => Ok(Some(false)),
            Some(text) => {
                let why = format!("'{text}' is neither {off} nor {on}");
                Err(ApiError::invalid(&format!("{prefix}{name}"), why))
            }
        };
        let absent = |name: &str, asked: Option<bool>| match asked {
            Some(true) => {
                let text = format!("The parameter {prefix}{name} can only be 'disabled'");
                Err(ApiError::new(ErrorCode::UnsupportedOperation, text))
            }
            _ => Ok(()),
        };
        let tokens = choose("HttpTokens", &self.http_tokens, "optional", "required")?;
        let enabled = choose("HttpEndpoint", &self.http_endpoint, "disabled", "enabled")?;
        let name = "HttpProtocolIpv6";
        absent(name, choose(name, &self.http_protocol_ipv6, "disabled", "enabled")?)?;
        let name = "InstanceMetadataTags";
        absent(name, choose(name, &self.instance_metadata_tags, "disabled", "enabled")?)?;
        let hops = match self.http_put_response_hop_limit {
            None => None,
            Some(hops) => match u8::try_from(hops) {
                Ok(hops @ 1..=64) => Some(hops),
                _ => {
                    let name = format!("{prefix}HttpPutResponseHopLimit");
                    return Err(ApiError::invalid(&name, format!("{hops} is not from 1 to 64")));
                }
            },
        };
        options.tokens_required = tokens.unwrap_or(options.tokens_required);
        options.enabled = enabled.unwrap_or(options.enabled);
        options.hop_limit = hops.unwrap_or(options.hop_limit);
        Ok(())
    }
}

/// The options of an instance, as they are shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetadataView {
    /// `applied`, or `pending` until the node has them.
    pub state: String,
    /// `optional` or `required`.
    pub http_tokens: String,
    /// 1 to 64.
    pub http_put_response_hop_limit: u8,
    /// `enabled` or `disabled`.
    pub http_endpoint: String,
    /// `disabled`.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub http_protocol_ipv6: Option<String>,
    /// `disabled`.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub instance_metadata_tags: Option<String>,
}

impl MetadataView {
    /// Shows options; `applied` says whether they are in force.
    pub fn of(options: &MetadataOptions, applied: bool) -> Self {
        let word = |so: bool, yes: &str, no: &str| (if so { yes } else { no }).to_owned();
        Self {
            state: word(applied, "applied", "pending"),
            http_tokens: word(options.tokens_required, "required", "optional"),
            http_put_response_hop_limit: options.hop_limit,
            http_endpoint: word(options.enabled, "enabled", "disabled"),
            http_protocol_ipv6: Some("disabled".to_owned()),
            instance_metadata_tags: Some("disabled".to_owned()),
        }
    }
}

/// Changes how an instance may ask for its metadata.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ModifyInstanceMetadataOptions {
    /// Which.
    pub instance_id: String,
    /// As at a launch.
    #[serde(default)]
    pub http_tokens: Option<String>,
    /// As at a launch.
    #[serde(default)]
    pub http_put_response_hop_limit: Option<i64>,
    /// As at a launch.
    #[serde(default)]
    pub http_endpoint: Option<String>,
    /// As at a launch.
    #[serde(default)]
    pub http_protocol_ipv6: Option<String>,
    /// As at a launch.
    #[serde(default)]
    pub instance_metadata_tags: Option<String>,
}

impl ModifyInstanceMetadataOptions {
    /// The options that are asked for.
    pub fn request(&self) -> MetadataRequest {
        MetadataRequest {
            http_tokens: self.http_tokens.clone(),
            http_put_response_hop_limit: self.http_put_response_hop_limit,
            http_endpoint: self.http_endpoint.clone(),
            http_protocol_ipv6: self.http_protocol_ipv6.clone(),
            instance_metadata_tags: self.instance_metadata_tags.clone(),
        }
    }
}

/// What ModifyInstanceMetadataOptions answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModifiedMetadataOptions {
    /// Which.
    pub instance_id: String,
    /// Its options now.
    pub instance_metadata_options: MetadataView,
}

actions! {
    ModifyInstanceMetadataOptions => ModifiedMetadataOptions, Write, |it| {
        subjects::instance(&it.instance_id).when(it.request().said("ec2:Attribute/"))
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_put_in_and_what_cannot_be_is_refused_by_name() {
        let text = |text: &str| Some(text.to_owned());
        let ask = |change: fn(&mut MetadataRequest)| {
            let mut request = MetadataRequest::default();
            change(&mut request);
            let mut options = MetadataOptions { revision: 7, ..MetadataOptions::default() };
            request.apply("MetadataOptions.", &mut options).map(|()| options)
        };
        let plain = MetadataOptions { revision: 7, ..MetadataOptions::default() };
        assert_eq!(ask(|_| {}).unwrap(), plain);
        let strict = ask(|it| it.http_tokens = Some("required".into())).unwrap();
        assert_eq!(strict, MetadataOptions { tokens_required: true, ..plain });
        let far = ask(|it| it.http_put_response_hop_limit = Some(64)).unwrap();
        assert_eq!(far, MetadataOptions { hop_limit: 64, ..plain });
        let off = ask(|it| it.http_endpoint = Some("disabled".into())).unwrap();
        assert_eq!(off, MetadataOptions { enabled: false, ..plain });
        assert_eq!(ask(|it| it.instance_metadata_tags = Some("disabled".into())).unwrap(), plain);

        for (name, code, error) in [
            (
                "HttpTokens",
                ErrorCode::InvalidParameterValue,
                ask(|it| it.http_tokens = Some("on".into())),
            ),
            (
                "HttpEndpoint",
                ErrorCode::InvalidParameterValue,
                ask(|it| it.http_endpoint = Some(String::new())),
            ),
            (
                "HopLimit",
                ErrorCode::InvalidParameterValue,
                ask(|it| it.http_put_response_hop_limit = Some(0)),
            ),
            (
                "HopLimit",
                ErrorCode::InvalidParameterValue,
                ask(|it| it.http_put_response_hop_limit = Some(65)),
            ),
            (
                "HopLimit",
                ErrorCode::InvalidParameterValue,
                ask(|it| it.http_put_response_hop_limit = Some(-255)),
            ),
            (
                "Ipv6",
                ErrorCode::UnsupportedOperation,
                ask(|it| it.http_protocol_ipv6 = Some("enabled".into())),
            ),
            (
                "MetadataTags",
                ErrorCode::UnsupportedOperation,
                ask(|it| it.instance_metadata_tags = Some("enabled".into())),
            ),
        ] {
            let error = error.unwrap_err();
            assert_eq!(error.code(), code);
            assert!(error.text().contains(name), "{error}");
        }
        let modify = ModifyInstanceMetadataOptions {
            instance_id: "i-1".into(),
            http_tokens: text("optional"),
            http_put_response_hop_limit: None,
            http_endpoint: None,
            http_protocol_ipv6: None,
            instance_metadata_tags: None,
        };
        assert_eq!(modify.request().http_tokens, text("optional"));
    }
}
