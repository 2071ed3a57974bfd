//! Signing certificates of users.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::access_keys::Status;
use super::elements::{Members, Moment, Nothing};
use super::subjects;
use crate::actions;

/// Makes a key and a certificate for a user, the caller if none is named, as Eucalyptus does.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateSigningCertificate {
    /// The user.
    #[serde(default)]
    pub user_name: Option<String>,
}

/// A certificate that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreatedCertificate {
    /// The certificate with its private key, which is told this once.
    pub certificate: KeyedCertificate,
}

/// A certificate with its private key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyedCertificate {
    /// The user.
    pub user_name: String,
    /// Its id.
    pub certificate_id: String,
    /// The certificate, PEM.
    pub certificate_body: String,
    /// Whether new bundles may be signed with it.
    pub status: Status,
    /// When it was made.
    pub upload_date: Moment,
    /// The private key, PEM.
    pub private_key: String,
}

impl fmt::Debug for KeyedCertificate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "KeyedCertificate {} of {}", self.certificate_id, self.user_name)
    }
}

/// Records a certificate that a user has made.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UploadSigningCertificate {
    /// The user; the caller if absent.
    #[serde(default)]
    pub user_name: Option<String>,
    /// The certificate, PEM.
    pub certificate_body: String,
}

/// A certificate that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OneCertificate {
    /// The certificate.
    pub certificate: Certificate,
}

/// A certificate as IAM tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Certificate {
    /// The user.
    pub user_name: String,
    /// Its id.
    pub certificate_id: String,
    /// The certificate, PEM.
    pub certificate_body: String,
    /// Whether new bundles may be signed with it.
    pub status: Status,
    /// When it was made or uploaded.
    pub upload_date: Moment,
}

/// Lists the certificates of a user, the caller if none is named.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListSigningCertificates {
    /// The user.
    #[serde(default)]
    pub user_name: Option<String>,
    /// Those behind the page that gave this marker.
    #[serde(default)]
    pub marker: Option<String>,
    /// At most so many, 1 to 1000; 100 if absent.
    #[serde(default)]
    pub max_items: Option<u32>,
}

/// A page of certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Certificates {
    /// The certificates, by id.
    pub certificates: Members<Certificate>,
    /// Whether there are more.
    pub is_truncated: bool,
    /// Asks for the next page, if there are more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

/// Lets new bundles be signed with a certificate, or not.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateSigningCertificate {
    /// The user; the caller if absent.
    #[serde(default)]
    pub user_name: Option<String>,
    /// The certificate.
    pub certificate_id: String,
    /// What it becomes.
    pub status: Status,
}

/// Removes a certificate; bundles that were signed with it stay good.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteSigningCertificate {
    /// The user; the caller if absent.
    #[serde(default)]
    pub user_name: Option<String>,
    /// The certificate.
    pub certificate_id: String,
}

actions! {
    CreateSigningCertificate => CreatedCertificate, Write,
        |it| subjects::user_or_own(it.user_name.as_deref());
    UploadSigningCertificate => OneCertificate, Write,
        |it| subjects::user_or_own(it.user_name.as_deref());
    ListSigningCertificates => Certificates, Read,
        |it| subjects::user_or_own(it.user_name.as_deref());
    UpdateSigningCertificate => Nothing, Write,
        |it| subjects::user_or_own(it.user_name.as_deref());
    DeleteSigningCertificate => Nothing, Write,
        |it| subjects::user_or_own(it.user_name.as_deref());
}
