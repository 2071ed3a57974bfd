//! The signatures of a body's chunks: each covers the one before it, the first that of the request.

use super::super::canonical::{hmac_sha256, sha256};

/// Signs chunks one after another, each with the signature before it.
#[derive(Clone)]
pub struct Chain {
    key: Vec<u8>,
    amz_date: String,
    scope: String,
    previous: String,
}

impl Chain {
    /// Begins at the signature of a request, whose signing key, date and scope go on to be used.
    pub(in crate::sign) fn new(key: Vec<u8>, amz_date: &str, scope: &str, seed: &[u8]) -> Chain {
        let (amz_date, scope) = (amz_date.to_owned(), scope.to_owned());
        Chain { key, amz_date, scope, previous: hex::encode(seed) }
    }

    /// Gives the signature of the next chunk, whose data has this SHA-256; lower-case hexadecimal.
    pub fn chunk(&mut self, data: [u8; 32]) -> String {
        let nothing = hex::encode(sha256(b""));
        self.next("AWS4-HMAC-SHA256-PAYLOAD", &format!("{nothing}\n{}", hex::encode(data)))
    }

    /// Gives the signature of the headers after the data, each written as `name:value` and a line
    /// feed.
    pub fn trailer(&mut self, lines: &[u8]) -> String {
        self.next("AWS4-HMAC-SHA256-TRAILER", &hex::encode(sha256(lines)))
    }

    fn next(&mut self, algorithm: &str, rest: &str) -> String {
        let Chain { key, amz_date, scope, previous } = &*self;
        let text = format!("{algorithm}\n{amz_date}\n{scope}\n{previous}\n{rest}");
        self.previous = hex::encode(hmac_sha256(key, &[text.as_bytes()]));
        self.previous.clone()
    }
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The key makes signatures.
        out.debug_struct("Chain").field("scope", &self.scope).finish_non_exhaustive()
    }
}

#[cfg(test)]
impl Chain {
    /// The signature of the request in the example of AWS's documentation.
    pub(super) const SEED: &str =
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";

    /// The chain of that example, whose signatures are published there, from a signature on.
    pub(super) fn example(seed: &str) -> Chain {
        let scope = "20130524/us-east-1/s3/aws4_request";
        let first = b"AWS4wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_vec();
        let key = scope.split('/').fold(first, |key, part| hmac_sha256(&key, &[part.as_bytes()]));
        Chain::new(key, "20130524T000000Z", scope, &hex::decode(seed).unwrap())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_trailer_comes_out() {
        let mut chain =
            Chain::example("106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e");
        let (first, second) = (vec![b'a'; 65536], vec![b'a'; 1024]);
        assert_eq!(
            [
                chain.chunk(sha256(&first)),
                chain.chunk(sha256(&second)),
                chain.chunk(sha256(b"")),
                chain.trailer(b"x-amz-checksum-crc32c:sOO8/Q==\n"),
            ],
            [
                "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
                "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
                "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
                "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435",
            ]
        );
    }

    #[test]
    fn a_chain_does_not_show_its_key() {
        let shown = format!("{:?}", Chain::example(Chain::SEED));
        assert!(shown.contains("us-east-1") && !shown.contains("key"), "{shown}");
    }
}
