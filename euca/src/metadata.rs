//! The metadata service, as an instance asks it about itself.
//!
//! Asks with a session token where the service gives one, and without where it is too old for that.
//! Every question has a deadline: away from an instance nobody answers at that address.

use std::time::Duration;

use ureq::config::Config;
use ureq::{Agent, Body, http::Response};

/// Where instances ask.
pub(crate) const ADDRESS: &str = "http://169.254.169.254";
/// The most that an answer has: there is no longer one.
const LONGEST: u64 = 1 << 20;
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the token is good, seconds.
const TOKEN_LIFE: &str = "300";

/// The service does not answer, or not as one does.
#[derive(Debug, thiserror::Error)]
#[error("{url}: {why}")]
pub(crate) struct MetadataError {
    url: String,
    why: String,
}

/// What an instance inherits to an image of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Inherited {
    /// The kernel's id.
    pub(crate) kernel: Option<String>,
    /// The ramdisk's id.
    pub(crate) ramdisk: Option<String>,
    /// Virtual names and devices.
    pub(crate) mappings: Vec<(String, String)>,
    pub(crate) product_codes: Vec<String>,
    /// The images that it comes from, its own last.
    pub(crate) ancestry: Vec<String>,
}

/// A metadata service.
pub(crate) struct Metadata {
    agent: Agent,
    /// Its address, without a slash at its end.
    address: String,
    token: Option<String>,
}

impl Metadata {
    /// Begins to ask the service at `address`.
    ///
    /// # Errors
    /// If nobody answers there.
    pub(crate) fn open(address: &str) -> Result<Self, MetadataError> {
        let config = Config::builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_global(Some(PATIENCE))
            .user_agent(concat!("euca/", env!("CARGO_PKG_VERSION")))
            .build();
        let agent = config.new_agent();
        let address = address.trim_end_matches('/').to_owned();
        let mut metadata = Self { agent, address, token: None };
        let url = format!("{}/latest/api/token", metadata.address);
        let answer = metadata
            .agent
            .put(&url)
            .header("x-aws-ec2-metadata-token-ttl-seconds", TOKEN_LIFE)
            .send_empty()
            .map_err(|error| MetadataError { url: url.clone(), why: error.to_string() })?;
        // Older services know no tokens, and say so in several ways.
        if answer.status().is_success() {
            metadata.token = Some(text(&url, answer)?);
        }
        Ok(metadata)
    }

    /// What an image of this instance inherits.
    pub(crate) fn inherited(&self) -> Result<Inherited, MetadataError> {
        if self.get("")?.is_none() {
            let url = format!("{}/latest/meta-data/", self.address);
            return Err(MetadataError { url, why: "there is nothing".to_owned() });
        }
        let mut mappings = Vec::new();
        for name in self.lines("block-device-mapping/")? {
            // Volumes stay with their machine.
            if name.starts_with("ebs") || name.ends_with('/') {
                continue;
            }
            if let Some(device) = self.get(&format!("block-device-mapping/{name}"))? {
                mappings.push((name, device));
            }
        }
        let mut ancestry = self.lines("ancestor-ami-ids")?;
        for image in self.lines("ami-id")? {
            if !ancestry.contains(&image) {
                ancestry.push(image);
            }
        }
        Ok(Inherited {
            kernel: self.get("kernel-id")?,
            ramdisk: self.get("ramdisk-id")?,
            mappings,
            product_codes: self.lines("product-codes")?,
            ancestry,
        })
    }

    /// The lines of an answer; none if there is no such thing.
    fn lines(&self, path: &str) -> Result<Vec<String>, MetadataError> {
        let text = self.get(path)?.unwrap_or_default();
        Ok(text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect())
    }

    /// An answer; `None` if there is no such thing, or nothing in it.
    fn get(&self, path: &str) -> Result<Option<String>, MetadataError> {
        let url = format!("{}/latest/meta-data/{path}", self.address);
        let mut request = self.agent.get(&url);
        if let Some(token) = &self.token {
            request = request.header("x-aws-ec2-metadata-token", token);
        }
        let fail = |why: String| MetadataError { url: url.clone(), why };
        let answer = request.call().map_err(|error| fail(error.to_string()))?;
        match answer.status().as_u16() {
            200 => Ok(Some(text(&url, answer)?).filter(|text| !text.is_empty())),
            404 => Ok(None),
            _ => Err(fail(format!("the answer is {}", answer.status()))),
        }
    }
}

fn text(url: &str, answer: Response<Body>) -> Result<String, MetadataError> {
    let read = answer.into_body().with_config().limit(LONGEST).read_to_string();
    let text =
        read.map_err(|error| MetadataError { url: url.to_owned(), why: error.to_string() })?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::{BufRead, BufReader, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::Arc;

    use super::*;

    /// Answers like a metadata service of that age until the test ends; gives its address.
    fn service(token: Option<&'static str>, tree: &[(&'static str, &'static str)]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let tree: Arc<BTreeMap<_, _>> = Arc::new(tree.iter().copied().collect());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let tree = Arc::clone(&tree);
                std::thread::spawn(move || answer(&stream.unwrap(), token, &tree));
            }
        });
        address
    }

    fn answer(stream: &TcpStream, token: Option<&str>, tree: &BTreeMap<&str, &str>) {
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        while let Some(first) = lines.next() {
            let headers: Vec<_> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
            let shown = headers.iter().find_map(|l| l.strip_prefix("x-aws-ec2-metadata-token: "));
            let words: Vec<_> = first.split(' ').collect();
            let (status, body) = match (words[0], words[1], token) {
                ("PUT", "/latest/api/token", Some(token)) => ("200 OK", token),
                ("PUT", ..) => ("405 Method Not Allowed", "no"),
                _ if shown != token => ("401 Unauthorized", "who?"),
                (_, path, _) => match tree.get(path.trim_start_matches("/latest/meta-data/")) {
                    Some(body) => ("200 OK", *body),
                    None => ("404 Not Found", "404 - Not Found"),
                },
            };
            let length = body.len();
            let _ = (&*stream).write_all(
                format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}").as_bytes(),
            );
        }
    }

    const TREE: &[(&str, &str)] = &[
        ("", "ami-id\nkernel-id"),
        ("ami-id", "emi-00000002"),
        ("ancestor-ami-ids", "emi-00000001"),
        ("block-device-mapping/", "ami\nebs1\nephemeral0\nroot"),
        ("block-device-mapping/ami", "vda"),
        ("block-device-mapping/ebs1", "vdc"),
        ("block-device-mapping/ephemeral0", "vdb"),
        ("block-device-mapping/root", "/dev/vda"),
        ("kernel-id", "eki-00000001"),
    ];

    #[test]
    fn old_and_new_services_tell_the_same() {
        for token in [None, Some("token==")] {
            let metadata = Metadata::open(&service(token, TREE)).unwrap();
            let found = metadata.inherited().unwrap();
            let own = |text: &str| text.to_owned();
            assert_eq!(
                found,
                Inherited {
                    kernel: Some(own("eki-00000001")),
                    ramdisk: None,
                    mappings: [("ami", "vda"), ("ephemeral0", "vdb"), ("root", "/dev/vda")]
                        .map(|(name, device)| (own(name), own(device)))
                        .to_vec(),
                    product_codes: Vec::new(),
                    ancestry: vec![own("emi-00000001"), own("emi-00000002")],
                },
                "{token:?}"
            );
        }
    }

    #[test]
    fn where_there_is_no_service_that_is_said() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(Metadata::open(&format!("http://{closed}")).is_err());
        let other = Metadata::open(&service(None, &[])).unwrap();
        assert!(other.inherited().is_err());
    }
}
