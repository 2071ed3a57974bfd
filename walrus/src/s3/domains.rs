//! Buckets as host names: `BUCKET.DOMAIN` under the domains that the configuration names.
//!
//! ```text
//!   domains = ["s3.example.org"]
//!
//!   Host: s3.example.org              /b/k                     bucket b, key k
//!   Host: b.s3.example.org:8774       /k                       bucket b, key k
//!   Host: b.S3.Example.org.           /services/Walrus/k       bucket b, key k
//!   Host: b.elsewhere.org             /x/k                     bucket x, key k
//! ```
//! A host that is under none of them says nothing, and the bucket is the first part of the path.
//! botocore keeps the service's prefix in the path beside the bucket in the host, so below a virtual
//! host, too, a path that begins with the prefix begins behind it: the few keys that begin with
//! `services/walrus/` are reached by path.

use common::sign::host_name;

/// The domains below which hosts are buckets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Domains(Vec<String>);

impl Domains {
    /// Takes the names as they are configured; longer ones are looked at first.
    pub(crate) fn new(names: &[String]) -> Self {
        let mut names: Vec<String> = names.iter().map(|name| plain(name)).collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        Self(names)
    }

    /// The bucket that the value of a Host header stands for.
    pub(crate) fn bucket(&self, host: &str) -> Option<String> {
        let host = plain(host_name(host.trim()));
        let found = self.0.iter().find_map(|domain| {
            if host == *domain {
                return Some("");
            }
            host.strip_suffix(domain.as_str())?.strip_suffix('.')
        });
        found.filter(|bucket| !bucket.is_empty()).map(str::to_owned)
    }
}

/// Whether a name can be such a domain.
pub(crate) fn is_domain(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    // Nobody asks for a bucket below an address.
    let address = name.parse::<std::net::IpAddr>().is_ok();
    !address && name.len() <= 253 && plain(name).split('.').all(label)
}

fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_below_a_domain_are_buckets() {
        let domains = Domains::new(&["s3.Example.org.".to_owned(), "eu.s3.example.org".to_owned()]);
        for (host, bucket) in [
            ("b.s3.example.org", Some("b")),
            ("b.s3.example.org:8774", Some("b")),
            ("B.S3.EXAMPLE.ORG.:8774", Some("b")),
            // boto 2 writes the port twice.
            ("b.s3.example.org:8774:8774", Some("b")),
            ("a.b.s3.example.org", Some("a.b")),
            ("b.eu.s3.example.org", Some("b")),
            ("eu.s3.example.org", None),
            ("s3.example.org", None),
            (".s3.example.org", None),
            ("bs3.example.org", None),
            ("b.s3.example.org.evil", None),
            ("127.0.0.1:8774", None),
            ("[::1]:8774", None),
            ("", None),
        ] {
            assert_eq!(domains.bucket(host).as_deref(), bucket, "{host}");
        }
        assert_eq!(Domains::default().bucket("b.s3.example.org"), None);
    }

    #[test]
    fn what_can_be_a_domain() {
        for name in ["s3.example.org", "localhost", "S3.example.org."] {
            assert!(is_domain(name), "{name}");
        }
        for name in
            ["", ".", "a..b", ".org", "s3.example.org:8774", "*.org", "10.0.0.1", "http://s"]
        {
            assert!(!is_domain(name), "{name}");
        }
    }
}
