//! The documents that S3 answers with, as far as pages show them. Names come percent-encoded, because they
//! may hold what no document can (`encoding-type=url`).

use common::error::ApiError;
use common::s3::CannedAcl;
use common::s3::tree::Element;
use common::sign::percent_decode;
use common::time::Timestamp;

fn text<'a>(element: &'a Element, name: &str) -> &'a str {
    element.child(name).map_or("", |child| child.text.as_str())
}

fn some(element: &Element, name: &str) -> Option<String> {
    Some(text(element, name).to_owned()).filter(|text| !text.is_empty())
}

fn number<N: std::str::FromStr + Default>(element: &Element, name: &str) -> N {
    text(element, name).trim().parse().unwrap_or_default()
}

fn moment(element: &Element, name: &str) -> Timestamp {
    Timestamp::parse_iso(text(element, name).trim()).unwrap_or(Timestamp::from_millis(0))
}

/// Buckets, by name, and when they were made.
pub(crate) fn buckets(root: &Element) -> Vec<(String, Timestamp)> {
    let list = root.child("Buckets");
    let all = list.into_iter().flat_map(|list| list.all("Bucket"));
    all.map(|it| (text(it, "Name").to_owned(), moment(it, "CreationDate"))).collect()
}

/// An object in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Its key.
    pub(crate) key: String,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// When it was written.
    pub(crate) modified: Timestamp,
}

/// A page of what is in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// What begins so and goes on behind a `/`.
    pub(crate) folders: Vec<String>,
    /// Objects.
    pub(crate) objects: Vec<Listed>,
    /// The token of the next page, if there is one.
    pub(crate) next: Option<String>,
}

/// A page of a bucket, second version of the listing.
pub(crate) fn page(root: &Element) -> Page {
    let listed = |it: &Element| Listed {
        key: percent_decode(text(it, "Key")),
        size: number(it, "Size"),
        modified: moment(it, "LastModified"),
    };
    Page {
        folders: root.all("CommonPrefixes").map(|it| percent_decode(text(it, "Prefix"))).collect(),
        objects: root.all("Contents").map(listed).collect(),
        next: some(root, "NextContinuationToken"),
    }
}

/// A part of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Its number.
    pub(crate) number: u32,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// Its entity tag, with quotes.
    pub(crate) etag: String,
    /// The SHA-256 of its bytes in base64, if the upload was begun with it.
    pub(crate) sha256: Option<String>,
}

/// A page of an upload's parts, and behind which number the next one begins.
pub(crate) fn parts(root: &Element) -> (Vec<Part>, Option<u32>) {
    let part = |it: &Element| Part {
        number: number(it, "PartNumber"),
        size: number(it, "Size"),
        etag: text(it, "ETag").to_owned(),
        sha256: some(it, "ChecksumSHA256"),
    };
    let more = text(root, "IsTruncated") == "true";
    (root.all("Part").map(part).collect(), more.then(|| number(root, "NextPartNumberMarker")))
}

/// An open upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Upload {
    /// The key it will have.
    pub(crate) key: String,
    /// Its id.
    pub(crate) id: String,
    /// When it was begun.
    pub(crate) begun: Timestamp,
    /// Whether its parts have SHA-256 checksums.
    pub(crate) sha256: bool,
}

/// A page of open uploads, and behind which key and id the next one begins.
pub(crate) fn uploads(root: &Element) -> (Vec<Upload>, Option<(String, String)>) {
    let upload = |it: &Element| Upload {
        key: percent_decode(text(it, "Key")),
        id: text(it, "UploadId").to_owned(),
        begun: moment(it, "Initiated"),
        sha256: text(it, "ChecksumAlgorithm") == "SHA256",
    };
    let more = text(root, "IsTruncated") == "true";
    let next = || {
        let key = percent_decode(text(root, "NextKeyMarker"));
        (key, text(root, "NextUploadIdMarker").to_owned())
    };
    (root.all("Upload").map(upload).collect(), more.then(next))
}

/// The id of an upload that was begun.
pub(crate) fn begun(root: &Element) -> String {
    text(root, "UploadId").to_owned()
}

/// Which objects of many could not be removed: key, and why.
pub(crate) fn unremoved(root: &Element) -> Vec<(String, String)> {
    let one = |it: &Element| (text(it, "Key").to_owned(), text(it, "Message").to_owned());
    root.all("Error").map(one).collect()
}

/// Who may use a bucket or object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Access {
    /// The number of the account it belongs to.
    pub(crate) owner: String,
    /// That account's name.
    pub(crate) owner_name: String,
    /// The list by its name.
    pub(crate) canned: CannedAcl,
    /// To whom what is granted.
    pub(crate) grants: Vec<(String, String)>,
}

/// Who may use a bucket or object.
///
/// # Errors
/// If the list is none of those that have names.
pub(crate) fn access(root: &Element) -> Result<Access, ApiError> {
    let owner = root.child("Owner");
    let of_owner = |name: &str| owner.map_or("", |owner| text(owner, name)).trim().to_owned();
    let list = root.child("AccessControlList");
    let grant = |it: &Element| {
        let to = it.child("Grantee").map_or("", |to| {
            let names = ["DisplayName", "URI", "ID"].map(|name| text(to, name).trim());
            names.into_iter().find(|name| !name.is_empty()).unwrap_or("")
        });
        (to.to_owned(), text(it, "Permission").trim().to_owned())
    };
    let grants: Vec<_> = list.into_iter().flat_map(|list| list.all("Grant")).map(grant).collect();
    let canned = match grants.len() {
        1 => CannedAcl::Private,
        _ => {
            let named = grants.iter().filter_map(|(to, _)| to.rsplit([':', '/']).next());
            let mut known = named.filter_map(|name| match name {
                "AllUsers" => Some(CannedAcl::PublicRead),
                name => name.parse().ok(),
            });
            known.next().ok_or_else(|| {
                ApiError::internal("The access control list is none that is known", grants.len())
            })?
        }
    };
    Ok(Access { owner: of_owner("ID"), owner_name: of_owner("DisplayName"), canned, grants })
}

#[cfg(test)]
mod tests {
    use common::s3::Owner;
    use common::s3::acl;

    use super::*;

    fn read(document: &str, root: &str) -> Element {
        Element::read(document.as_bytes(), root, (1 << 20, 1000)).unwrap()
    }

    #[test]
    fn every_list_that_is_written_is_read() {
        let owner = Owner { account: "123456789012".parse().unwrap(), alias: "taro".into() };
        for canned in CannedAcl::ALL {
            let document = acl::to_xml(canned, &owner);
            let read = access(&read(&document, "AccessControlPolicy")).unwrap();
            assert_eq!((read.canned, read.owner.as_str()), (canned, "123456789012"));
            assert_eq!(read.owner_name, "taro");
            let grants = if canned == CannedAcl::Private { 1 } else { 2 };
            assert_eq!(read.grants.len(), grants, "{canned:?}");
        }
    }

    #[test]
    fn names_are_read_as_they_are_meant() {
        let document = "<ListBucketResult><Contents><Key>a%20b%0A%3Cscript%3E</Key>\
            <LastModified>2026-11-23T10:00:00.000Z</LastModified><Size>7</Size></Contents>\
            <CommonPrefixes><Prefix>..%2F</Prefix></CommonPrefixes>\
            <NextContinuationToken>t</NextContinuationToken></ListBucketResult>";
        let page = page(&read(document, "ListBucketResult"));
        assert_eq!(page.objects[0].key, "a b\n<script>");
        assert_eq!((page.objects[0].size, page.folders[0].as_str()), (7, "../"));
        assert_eq!(page.next.as_deref(), Some("t"));
        assert!(page.objects[0].modified.iso().starts_with("2026-11-23"));
    }

    #[test]
    fn parts_and_uploads_are_read_page_by_page() {
        let document = "<ListPartsResult><NextPartNumberMarker>2</NextPartNumberMarker>\
            <IsTruncated>true</IsTruncated><Part><PartNumber>2</PartNumber><ETag>\"e\"</ETag>\
            <Size>5</Size><ChecksumSHA256>x=</ChecksumSHA256></Part></ListPartsResult>";
        let (all, next) = parts(&read(document, "ListPartsResult"));
        assert_eq!((all[0].number, all[0].size, next), (2, 5, Some(2)));
        assert_eq!((all[0].etag.as_str(), all[0].sha256.as_deref()), ("\"e\"", Some("x=")));
        let document = "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated><Upload>\
            <Key>a%2Fb</Key><UploadId>i</UploadId><ChecksumAlgorithm>SHA256</ChecksumAlgorithm>\
            </Upload></ListMultipartUploadsResult>";
        let (all, next) = uploads(&read(document, "ListMultipartUploadsResult"));
        assert_eq!((all[0].key.as_str(), all[0].id.as_str(), all[0].sha256), ("a/b", "i", true));
        assert_eq!(next, None);
    }
}
