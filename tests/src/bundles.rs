//! Bundles in memory: made as euca makes them, but so that a test can spoil them before the upload.

use std::io;

use bundle::{BundleOptions, Certificate, Kind, Part, PartSink, PrivateKey, Recipients};

use crate::user::User;

/// Bytes in a part of a small bundle; a large one has eight parts or so.
const PART_SIZE: usize = 16 << 10;

/// A bundle.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// The name without any ending.
    pub prefix: String,
    /// Names and bytes of the parts.
    pub parts: Vec<(String, Vec<u8>)>,
    /// The bytes of the manifest.
    pub manifest: Vec<u8>,
}

#[derive(Default)]
struct Parts(Vec<(String, Vec<u8>)>);

impl PartSink for Parts {
    fn begin(&mut self, _: usize, filename: &str) -> io::Result<()> {
        self.0.push((filename.to_owned(), Vec::new()));
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let open = self.0.last_mut().ok_or(io::ErrorKind::InvalidInput)?;
        open.1.extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self, _: &Part, _: u64) -> io::Result<()> {
        Ok(())
    }
}

/// The cloud's certificate, as a user has it.
pub fn cloud_certificate(user: &User) -> Certificate {
    Certificate::from_pem(&user.file("cloud-cert.pem")).unwrap()
}

/// A user's key for signing.
pub fn signer(user: &User) -> PrivateKey {
    PrivateKey::from_pem(&user.file("-pk.pem")).unwrap()
}

/// Bundles an image as a user, without compression, in parts of 16 KiB and more.
pub fn make(user: &User, prefix: &str, kind: Kind, image: &[u8]) -> Bundle {
    make_for(user, &cloud_certificate(user), Some(&signer(user)), (prefix, kind), image)
}

/// Bundles an image for a user's account with any keys.
pub fn make_for(
    user: &User,
    cloud: &Certificate,
    signer: Option<&PrivateKey>,
    (prefix, kind): (&str, Kind),
    image: &[u8],
) -> Bundle {
    let mut options = BundleOptions::new(prefix, "x86_64", &user.account);
    options.kind = kind;
    make_with(options, cloud, signer, image)
}

/// Bundles an image as these options say, but without compression and in small parts.
pub fn make_with(
    mut options: BundleOptions,
    cloud: &Certificate,
    signer: Option<&PrivateKey>,
    image: &[u8],
) -> Bundle {
    let prefix = options.prefix.clone();
    options.part_size = PART_SIZE.max(image.len() / 8) as u64;
    options.compression = 0;
    let recipients = Recipients { cloud, user: None, signer };
    let (size, mut parts) = (image.len() as u64, Parts::default());
    let made = bundle::bundle(image, size, &options, &recipients, &mut parts, &mut |_| {}).unwrap();
    Bundle { prefix, parts: parts.0, manifest: made.manifest }
}

impl Bundle {
    /// Uploads it as a user, its manifest first; gives the manifest's location.
    pub fn upload(&self, user: &User, bucket: &str) -> String {
        self.upload_below(user, bucket, ("", ""))
    }

    /// The same with what stands before the manifest's key and before those of the parts.
    pub fn upload_below(
        &self,
        user: &User,
        bucket: &str,
        (manifest, parts): (&str, &str),
    ) -> String {
        let key = format!("{manifest}{}.manifest.xml", self.prefix);
        user.make_bucket(bucket);
        user.put(bucket, &key, &self.manifest);
        for (name, bytes) in &self.parts {
            user.put(bucket, &format!("{parts}{name}"), bytes);
        }
        format!("{bucket}/{key}")
    }

    /// The same with another manifest.
    #[must_use]
    pub fn with_manifest(mut self, change: impl FnOnce(String) -> String) -> Self {
        self.manifest = change(String::from_utf8(self.manifest).unwrap()).into_bytes();
        self
    }
}

/// Registers a small image of a kind and waits until it is whole; gives its id.
pub fn registered(user: &User, bucket: &str, prefix: &str, kind: Kind, image: &[u8]) -> String {
    let id = user.register(&make(user, prefix, kind, image).upload(user, bucket));
    user.image_becomes(&id, "available");
    id
}

/// Registers a kernel and a ramdisk as an administrator, which become the cloud's default; gives
/// their ids.
pub fn boot(administrator: &User) -> (String, String) {
    let of = |prefix, kind| registered(administrator, "boot", prefix, kind, prefix.as_bytes());
    (of("vmlinuz", Kind::Kernel), of("initrd", Kind::Ramdisk))
}
