//! Upload policies: the options that give one, and who has signed it.

use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use common::sign::sign_policy_v2;

use super::Failure;
use crate::config::Settings;
use crate::s3::Form;

/// Options of every command that uploads a bundle.
#[derive(Debug, Clone, Args)]
pub(crate) struct UploadPolicy {
    /// Upload by this policy, JSON or base64, in place of your own rights
    #[arg(long, value_name = "POLICY", conflicts_with = "upload_policy_file")]
    upload_policy: Option<String>,
    /// Upload by the policy in this file
    #[arg(long, value_name = "FILE")]
    upload_policy_file: Option<PathBuf>,
    /// The signature over the policy in base64, by the owner of the access key; made with your secret
    /// key if absent
    #[arg(long, value_name = "SIGNATURE")]
    upload_policy_signature: Option<String>,
}

impl UploadPolicy {
    /// What uploads are made with, if there is a policy.
    pub(crate) fn form(&self, settings: &Settings) -> Result<Option<Form>, Failure> {
        let text = match (&self.upload_policy, &self.upload_policy_file) {
            (Some(text), _) => text.clone(),
            (None, Some(file)) => fs::read_to_string(file).map_err(|error| {
                Failure::Client(format!("{} cannot be read: {error}", file.display()))
            })?,
            (None, None) if self.upload_policy_signature.is_some() => {
                return Err(Failure::Usage(
                    "argument --upload-policy-signature: needed with --upload-policy only"
                        .to_owned(),
                ));
            }
            (None, None) => return Ok(None),
        };
        let policy = encoded(&text)?;
        let (access_key_id, signature) = match &self.upload_policy_signature {
            Some(signature) => (settings.access_key_id()?, signature.trim().to_owned()),
            None => {
                let credentials = settings.credentials()?;
                let signature = sign_policy_v2(credentials.key(), &policy);
                (credentials.access_key_id, signature)
            }
        };
        Ok(Some(Form { access_key_id, policy, signature }))
    }
}

/// A policy in base64, as it is signed: one that is so already is taken as it is, because the
/// signature covers each of its characters.
fn encoded(text: &str) -> Result<String, Failure> {
    let text = text.trim();
    if text.starts_with('{') {
        return Ok(STANDARD.encode(text));
    }
    match STANDARD.decode(text) {
        Ok(_) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(Failure::Usage(
            "argument --upload-policy: neither a JSON document nor base64".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_signed_as_it_is_sent() {
        assert_eq!(encoded(" {\"a\":1}\n").unwrap(), "eyJhIjoxfQ==");
        assert_eq!(encoded("eyJhIjoxfQ==\n").unwrap(), "eyJhIjoxfQ==");
        for bad in ["", "no policy", "eyJ"] {
            assert!(encoded(bad).is_err(), "{bad}");
        }
    }
}
