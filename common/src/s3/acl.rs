//! Access control lists as documents: what a canned list grants, and which canned list a document
//! is.
//!
//! | list | grants beside the owner's `FULL_CONTROL` |
//! |---|---|
//! | private | – |
//! | public-read | `READ` to the group of all users |
//! | aws-exec-read, ec2-bundle-read | `READ` to the cloud itself, shown as a group of that name |
//!
//! A document that grants anything else is refused and never rounded to the nearest list.

use std::collections::BTreeSet;

use super::listing::page::owner_to;
use super::request::Request;
use super::tree::Element;
use super::types::{BucketName, CannedAcl, ObjectKey, Owner};
use super::xml::{MAX_DOCUMENT, Writer};
use crate::error::{ApiError, ErrorCode};

/// The group of everybody.
const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
/// The cloud, as far as it runs images.
const AWS_EXEC_READ: &str = "urn:eucalypt:group:aws-exec-read";
/// The cloud, as far as it bundles instances.
const EC2_BUNDLE_READ: &str = "urn:eucalypt:group:ec2-bundle-read";

const FULL_CONTROL: &str = "FULL_CONTROL";
const READ: &str = "READ";
const PERMISSIONS: [&str; 5] = [FULL_CONTROL, READ, "WRITE", "READ_ACP", "WRITE_ACP"];

/// Grants of one document at most, as in S3.
const MAX_GRANTS: usize = 100;
/// Elements of one document at most.
const MAX_ELEMENTS: usize = 1000;

/// Reads the list of a bucket or object.
#[derive(Debug, Clone)]
pub struct GetAcl {
    /// The bucket.
    pub bucket: BucketName,
    /// The object; none for the bucket's own list.
    pub key: Option<ObjectKey>,
}

/// Changes the list of a bucket or object.
#[derive(Debug, Clone)]
pub struct PutAcl {
    /// The bucket.
    pub bucket: BucketName,
    /// The object; none for the bucket's own list.
    pub key: Option<ObjectKey>,
    /// The list by its name; none if the body is a document.
    pub canned: Option<CannedAcl>,
}

impl PutAcl {
    /// Reads the operation's head.
    ///
    /// # Errors
    /// For a canned list that is not offered.
    pub fn read(
        bucket: BucketName,
        key: Option<ObjectKey>,
        request: &Request<'_>,
    ) -> Result<Self, ApiError> {
        let canned = request.header("x-amz-acl").map(str::parse).transpose()?;
        Ok(Self { bucket, key, canned })
    }

    /// The wanted list, from the head or from the body.
    ///
    /// # Errors
    /// `InvalidRequest` if both say one, `MissingSecurityHeader` if none does; as [`Policy::read`]
    /// and [`Policy::canned`].
    pub fn wanted(&self, body: &[u8], owner: &Owner) -> Result<CannedAcl, ApiError> {
        match (self.canned, body.is_empty()) {
            (Some(canned), true) => Ok(canned),
            (None, false) => Policy::read(body)?.canned(owner),
            (Some(_), false) => Err(ApiError::new(
                ErrorCode::InvalidRequest,
                "Either x-amz-acl or a document tells the access control list, not both",
            )),
            (None, true) => Err(ApiError::new(
                ErrorCode::MissingSecurityHeader,
                "An access control list is told by x-amz-acl or by a document in the body",
            )),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Grantee {
    User(String),
    Group(String),
    Mail(String),
}

/// A document of grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    owner: Option<String>,
    grants: BTreeSet<(Grantee, String)>,
}

impl Policy {
    /// Reads an AccessControlPolicy.
    ///
    /// # Errors
    /// `MalformedXML`, `MalformedACLError`.
    pub fn read(document: &[u8]) -> Result<Self, ApiError> {
        let root = Element::read(document, "AccessControlPolicy", (MAX_DOCUMENT, MAX_ELEMENTS))?;
        let owner = root.child("Owner").and_then(|owner| owner.child("ID"));
        let list = root.child("AccessControlList").ok_or_else(|| malformed("no list"))?;
        if list.children.len() > MAX_GRANTS {
            return Err(malformed(&format!("more than {MAX_GRANTS} grants")));
        }
        let grants = list.children.iter().map(grant).collect::<Result<_, _>>()?;
        Ok(Self { owner: owner.map(|id| id.text.trim().to_owned()), grants })
    }

    /// The canned list that grants just this for something of that owner.
    ///
    /// # Errors
    /// `AccessDenied` if the document names another owner; `NotImplemented` if it is no canned list.
    pub fn canned(&self, owner: &Owner) -> Result<CannedAcl, ApiError> {
        if self.owner.as_deref().is_some_and(|id| id != owner.account.as_str()) {
            let text = "An access control list cannot change the owner";
            return Err(ApiError::new(ErrorCode::AccessDenied, text));
        }
        let found = CannedAcl::ALL.into_iter().find(|acl| self.grants == grants(*acl, owner));
        found.ok_or_else(|| {
            let names = CannedAcl::ALL.map(CannedAcl::as_str).join(", ");
            let text = format!("Grants are offered only as the canned lists do them: {names}");
            ApiError::new(ErrorCode::NotImplemented, text)
        })
    }
}

fn malformed(why: &str) -> ApiError {
    let text = format!("The access control list is not well-formed: it has {why}");
    ApiError::new(ErrorCode::MalformedAcl, text)
}

fn grant(element: &Element) -> Result<(Grantee, String), ApiError> {
    let grantee = element.child("Grantee").ok_or_else(|| malformed("a grant to nobody"))?;
    let text = |name: &str| grantee.child(name).map(|child| child.text.trim().to_owned());
    let nobody = || malformed("a grantee without identity");
    let grantee = match grantee.kind.as_deref() {
        Some("CanonicalUser") => Grantee::User(text("ID").ok_or_else(nobody)?),
        Some("Group") => Grantee::Group(text("URI").ok_or_else(nobody)?),
        Some("AmazonCustomerByEmail") => Grantee::Mail(text("EmailAddress").ok_or_else(nobody)?),
        None => match (text("ID"), text("URI")) {
            (Some(id), None) => Grantee::User(id),
            (None, Some(uri)) => Grantee::Group(uri),
            _ => return Err(nobody()),
        },
        Some(odd) => return Err(malformed(&format!("a grantee of the odd type '{odd}'"))),
    };
    let permission = element.child("Permission").map(|one| one.text.trim().to_owned());
    let permission = permission.unwrap_or_default();
    if !PERMISSIONS.contains(&permission.as_str()) {
        return Err(malformed(&format!("the odd permission '{permission}'")));
    }
    Ok((grantee, permission))
}

/// The group that may read.
fn readers(acl: CannedAcl) -> Option<&'static str> {
    match acl {
        CannedAcl::Private => None,
        CannedAcl::PublicRead => Some(ALL_USERS),
        CannedAcl::AwsExecRead => Some(AWS_EXEC_READ),
        CannedAcl::Ec2BundleRead => Some(EC2_BUNDLE_READ),
    }
}

fn grants(acl: CannedAcl, owner: &Owner) -> BTreeSet<(Grantee, String)> {
    let all = (Grantee::User(owner.account.to_string()), FULL_CONTROL.to_owned());
    let read = readers(acl).map(|group| (Grantee::Group(group.to_owned()), READ.to_owned()));
    [Some(all), read].into_iter().flatten().collect()
}

/// Writes the document of a canned list.
pub fn to_xml(acl: CannedAcl, owner: &Owner) -> String {
    let grantee = |to: &mut Writer, kind: &str, fill: &dyn Fn(&mut Writer)| {
        let attributes =
            format!("xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"{kind}\"");
        to.element_with("Grantee", &attributes, fill);
    };
    Writer::document("AccessControlPolicy", |to| {
        owner_to(to, owner);
        to.element("AccessControlList", |to| {
            to.element("Grant", |to| {
                grantee(to, "CanonicalUser", &|to| {
                    to.leaf("ID", owner.account.as_str());
                    to.leaf("DisplayName", &owner.alias);
                });
                to.leaf("Permission", FULL_CONTROL);
            });
            if let Some(group) = readers(acl) {
                to.element("Grant", |to| {
                    grantee(to, "Group", &|to| to.leaf("URI", group));
                    to.leaf("Permission", READ);
                });
            }
        });
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Owner {
        Owner { account: "000000000001".parse().unwrap(), alias: "a&b".into() }
    }

    fn canned(grants: &str) -> Result<CannedAcl, ErrorCode> {
        let text = format!(
            "<AccessControlPolicy><Owner><ID>000000000001</ID></Owner><AccessControlList>{grants}\
             </AccessControlList></AccessControlPolicy>"
        );
        Policy::read(text.as_bytes())
            .and_then(|policy| policy.canned(&owner()))
            .map_err(|error| error.code())
    }

    fn grant(kind: &str, who: &str, permission: &str) -> String {
        format!(
            "<Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xsi:type=\"{kind}\">{who}</Grantee><Permission>{permission}</Permission></Grant>"
        )
    }

    #[test]
    fn what_is_answered_can_be_put() {
        for acl in CannedAcl::ALL {
            let text = to_xml(acl, &owner());
            assert!(text.contains("<DisplayName>a&amp;b</DisplayName>"), "{text}");
            assert_eq!(Policy::read(text.as_bytes()).unwrap().canned(&owner()).unwrap(), acl);
        }
    }

    #[test]
    fn other_grants_are_refused_and_never_rounded() {
        let me = grant("CanonicalUser", "<ID>000000000001</ID>", "FULL_CONTROL");
        let all = format!("<URI>{ALL_USERS}</URI>");
        assert_eq!(canned(&me), Ok(CannedAcl::Private));
        let read = grant("Group", &all, "READ");
        assert_eq!(canned(&format!("{read}{me}{read}")), Ok(CannedAcl::PublicRead));
        let untyped =
            format!("<Grant><Grantee>{all}</Grantee><Permission>READ</Permission></Grant>");
        assert_eq!(canned(&format!("{me}{untyped}")), Ok(CannedAcl::PublicRead));
        let other = |who: &str, what| canned(&format!("{me}{}", grant("CanonicalUser", who, what)));
        for (answer, code) in [
            (canned(""), ErrorCode::NotImplemented),
            (canned(&read), ErrorCode::NotImplemented),
            (canned(&format!("{me}{}", grant("Group", &all, "WRITE"))), ErrorCode::NotImplemented),
            (other("<ID>000000000002</ID>", "READ"), ErrorCode::NotImplemented),
            (
                canned(&format!(
                    "{me}{}",
                    grant("AmazonCustomerByEmail", "<EmailAddress>a@b</EmailAddress>", "READ")
                )),
                ErrorCode::NotImplemented,
            ),
            (other("<ID>000000000002</ID>", "ODD"), ErrorCode::MalformedAcl),
            (other("", "READ"), ErrorCode::MalformedAcl),
            (canned("<Grant/>"), ErrorCode::MalformedAcl),
            (canned(&me.replace("CanonicalUser", "Odd")), ErrorCode::MalformedAcl),
            (canned(&me.repeat(101)), ErrorCode::MalformedAcl),
        ] {
            assert_eq!(answer, Err(code));
        }
    }

    #[test]
    fn the_owner_stays() {
        let text = to_xml(CannedAcl::Private, &owner());
        let other = Owner { account: "000000000002".parse().unwrap(), alias: "x".into() };
        let error = Policy::read(text.as_bytes()).unwrap().canned(&other).unwrap_err();
        assert_eq!(error.code(), ErrorCode::AccessDenied);
    }

    #[test]
    fn one_way_of_telling_it_is_enough() {
        let put = |canned| PutAcl { bucket: "buck".parse().unwrap(), key: None, canned };
        let text = to_xml(CannedAcl::PublicRead, &owner());
        let code = |put: &PutAcl, body: &[u8]| put.wanted(body, &owner()).map_err(|e| e.code());
        let named = put(Some(CannedAcl::Private));
        assert_eq!(code(&named, b""), Ok(CannedAcl::Private));
        assert_eq!(code(&named, text.as_bytes()), Err(ErrorCode::InvalidRequest));
        assert_eq!(code(&put(None), text.as_bytes()), Ok(CannedAcl::PublicRead));
        assert_eq!(code(&put(None), b""), Err(ErrorCode::MissingSecurityHeader));
        assert_eq!(code(&put(None), b"<AccessControlPolicy/>"), Err(ErrorCode::MalformedAcl));
        assert_eq!(code(&put(None), b"<a"), Err(ErrorCode::MalformedXml));
    }
}
