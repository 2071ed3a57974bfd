//! `euca-bundle-image`: packs an image into encrypted parts and a manifest, on this machine only.
//!
//! Parts are staged beside their names while they are written and get them at the end, the manifest
//! last: what lies under these names is always one whole bundle, and after a failure nothing new
//! lies there at all.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use bundle::keys::KeyError;
use bundle::{
    BundleOptions, Certificate, Image, Kind, Mapping, Part, PartSink, PrivateKey, Recipients,
    SymmetricKey,
};
use clap::Args;

use super::{Context, Execute, Failure};
use crate::config::Settings;
use crate::disk;
use crate::environment::Environment;
use crate::error::chain;
use crate::options::{Local, ShowProgress};
use crate::progress::Progress;
use crate::staged::{Staged, chance};

/// The most that a machine image may have unless the site or a flag says otherwise, MiB.
const MAX_IMAGE: u64 = 10_240;

/// Options of `euca-bundle-image`.
#[derive(Debug, Args)]
pub(crate) struct BundleImage {
    /// The image; - for standard input
    #[arg(short, long, value_name = "FILE")]
    image: PathBuf,
    /// What all names begin with; the image's file name if absent
    #[arg(short, long)]
    prefix: Option<String>,
    /// Where the bundle goes; a new directory below $TMPDIR or /var/tmp if absent
    #[arg(short, long, value_name = "DIR")]
    destination: Option<PathBuf>,
    /// The image's architecture
    #[arg(short = 'r', long, default_value = "x86_64",
          value_parser = ["i386", "x86_64", "armhf", "ppc", "ppc64", "ppc64le"])]
    arch: String,
    /// Your private key; without one the bundle is not signed
    #[arg(short = 'k', long, value_name = "FILE")]
    privatekey: Option<PathBuf>,
    /// Your certificate; without one only the cloud can open the bundle
    #[arg(short, long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// The cloud's certificate
    #[arg(long, value_name = "FILE")]
    ec2cert: Option<PathBuf>,
    /// Your account number
    #[arg(short, long, value_name = "ACCOUNT")]
    user: Option<String>,
    /// The kernel to boot it with; 'true' if the image is a kernel
    #[arg(long, value_name = "IMAGE")]
    kernel: Option<String>,
    /// The ramdisk to boot it with; 'true' if the image is a ramdisk
    #[arg(long, value_name = "IMAGE")]
    ramdisk: Option<String>,
    /// Device names: ami=sda1,root=/dev/sda1,...
    #[arg(short = 'B', long, value_name = "VIRTUAL=DEVICE,...", value_delimiter = ',')]
    block_device_mappings: Vec<String>,
    /// Product codes
    #[arg(long, value_name = "CODE,...", value_delimiter = ',')]
    productcodes: Vec<String>,
    /// What the image is
    #[arg(long, value_name = "TYPE", value_parser = ["machine", "kernel", "ramdisk"])]
    image_type: Option<String>,
    /// Bytes in the image; needed for standard input
    #[arg(long, value_name = "BYTES")]
    image_size: Option<u64>,
    /// The most a machine image may have, MiB; 10240 unless the site says otherwise
    #[arg(long, value_name = "MIB")]
    max_image_size: Option<u64>,
    /// Bytes in a part
    #[arg(long, value_name = "BYTES", default_value_t = bundle::DEFAULT_PART_SIZE)]
    part_size: u64,
    /// The key to encrypt with, 32 hexadecimal digits
    #[arg(long, value_name = "HEX", requires = "enc_iv", hide = true)]
    enc_key: Option<String>,
    /// The IV to encrypt with, 32 hexadecimal digits
    #[arg(long, value_name = "HEX", requires = "enc_key", hide = true)]
    enc_iv: Option<String>,
    /// Ask nothing, which is always so
    #[arg(long, hide = true)]
    batch: bool,
    #[command(flatten)]
    progress: ShowProgress,
    #[command(flatten)]
    local: Local,
}

impl Execute for BundleImage {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let settings = Settings::local(&self.local, cx.environment)?;
        let (image, size) = self.open()?;
        let options = self.options(&settings)?;
        self.check_size(cx, &settings, options.kind, size)?;

        let read = |told: &Option<PathBuf>, set: Option<PathBuf>| told.clone().or(set);
        let cloud = read(&self.ec2cert, settings.cloud_certificate()).ok_or_else(|| {
            Failure::Client(
                "no certificate of the cloud: give --ec2cert or set EUCALYPTUS_CERT".to_owned(),
            )
        })?;
        let cloud = pem(&cloud, Certificate::from_pem)?;
        let user = read(&self.cert, settings.certificate());
        let user = user.map(|path| pem(&path, Certificate::from_pem)).transpose()?;
        let signer = read(&self.privatekey, settings.private_key());
        let signer = signer.map(|path| pem(&path, PrivateKey::from_pem)).transpose()?;
        if let (Some(user), Some(signer)) = (&user, &signer) {
            let probe = [7; 20];
            if !signer.sign(&probe).is_ok_and(|signature| user.verifies(&probe, &signature)) {
                return Err(Failure::Client(
                    "the private key and the certificate do not belong together".to_owned(),
                ));
            }
        }
        let recipients = Recipients { cloud: &cloud, user: user.as_ref(), signer: signer.as_ref() };

        let destination = Destination::of(self.destination.as_deref(), cx.environment)?;
        let mut parts = Parts::new(&destination.path);
        let bar = Progress::new("Bundling", size, &self.progress, cx.environment);
        let made = bundle::bundle(image, size, &options, &recipients, &mut parts, &mut |done| {
            bar.at(done.min(size));
        })
        .map_err(|error| Failure::Client(chain(&error)))?;
        drop(bar);
        let manifest = parts
            .finish(&made.manifest_name, &made.manifest)
            .map_err(|error| Failure::Client(format!("the bundle cannot be written: {error}")))?;
        destination.keep();
        Ok(writeln!(cx.out, "Wrote manifest {}", manifest.display())?)
    }
}

impl BundleImage {
    /// The image and its size.
    fn open(&self) -> Result<(Box<dyn Image + Send>, u64), Failure> {
        if self.image.as_os_str() == "-" {
            let size = self.image_size.ok_or_else(|| {
                Failure::Usage("argument --image-size: needed for standard input".to_owned())
            })?;
            return Ok((Box::new(io::stdin()), size));
        }
        let open = || -> io::Result<(File, u64)> {
            let mut file = File::open(&self.image)?;
            if file.metadata()?.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            // A block device has a length only when one goes there.
            let size = file.seek(SeekFrom::End(0))?;
            file.rewind()?;
            Ok((file, size))
        };
        let (file, size) = open().map_err(|error| {
            Failure::Client(format!("{} cannot be read: {error}", self.image.display()))
        })?;
        let size = self.image_size.unwrap_or(size);
        Ok((Box::new(disk::image(file, size)), size))
    }

    fn options(&self, settings: &Settings) -> Result<BundleOptions, Failure> {
        let prefix = match &self.prefix {
            Some(prefix) => prefix.clone(),
            None if self.image.as_os_str() == "-" => {
                return Err(Failure::Usage("argument -p: needed for standard input".to_owned()));
            }
            None => self
                .image
                .file_name()
                .and_then(|name| name.to_str())
                .ok_or_else(|| {
                    Failure::Usage("argument -p: the image's file name is no text".to_owned())
                })?
                .to_owned(),
        };
        let account =
            self.user.clone().or_else(|| settings.account()).ok_or_else(|| {
                Failure::Client("no account: give -u or set EC2_USER_ID".to_owned())
            })?;
        let digits = account.replace('-', "");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Failure::Client(format!("'{account}' is not an account number")));
        }
        let mut options = BundleOptions::new(&prefix, &self.arch, &digits);
        let yes = |id: &&String| id.eq_ignore_ascii_case("true") || id.eq_ignore_ascii_case("yes");
        let told = (
            self.image_type.as_deref(),
            self.kernel.as_ref().filter(yes).is_some(),
            self.ramdisk.as_ref().filter(yes).is_some(),
        );
        options.kind = match told {
            (None | Some("machine"), false, false) => Kind::Machine,
            (None | Some("kernel"), true, false) | (Some("kernel"), false, false) => Kind::Kernel,
            (None | Some("ramdisk"), false, true) | (Some("ramdisk"), false, false) => {
                Kind::Ramdisk
            }
            _ => {
                return Err(Failure::Usage(
                    "--image-type, --kernel and --ramdisk say different things of what the image \
                     is"
                    .to_owned(),
                ));
            }
        };
        options.kernel = self.kernel.clone().filter(|id| !yes(&id));
        options.ramdisk = self.ramdisk.clone().filter(|id| !yes(&id));
        options.mappings = mappings(&self.block_device_mappings)?;
        options.product_codes = self.productcodes.clone();
        options.part_size = self.part_size;
        if let (Some(key), Some(iv)) = (&self.enc_key, &self.enc_iv) {
            options.key =
                Some(SymmetricKey::new(sixteen("--enc-key", key)?, sixteen("--enc-iv", iv)?));
        }
        Ok(options)
    }

    /// Refuses what is larger than an image may be; warns of what only this cloud may take.
    fn check_size(
        &self,
        cx: &mut Context<'_>,
        settings: &Settings,
        kind: Kind,
        size: u64,
    ) -> Result<(), Failure> {
        let of_site = match settings.global("max-image-size") {
            Some(text) => Some(text.parse().map_err(|_| {
                Failure::Client(format!("max-image-size in euca2ools.ini is no number: '{text}'"))
            })?),
            None => None,
        };
        let most = self.max_image_size.or(of_site).unwrap_or(MAX_IMAGE);
        if kind == Kind::Machine && size > most.saturating_mul(1 << 20) {
            return Err(Failure::Client(format!(
                "the image has {size} bytes, more than the {most} MiB that a machine image may \
                 have; --max-image-size raises that"
            )));
        }
        if size > MAX_IMAGE << 20 {
            cx.warn(&format!("the image is larger than {MAX_IMAGE} MiB; not every cloud takes it"));
        }
        Ok(())
    }
}

/// Reads a PEM file.
pub(super) fn pem<T>(path: &Path, parse: fn(&[u8]) -> Result<T, KeyError>) -> Result<T, Failure> {
    let fail = |why: &dyn std::fmt::Display| Failure::Client(format!("{}: {why}", path.display()));
    let bytes = fs::read(path).map_err(|error| fail(&error))?;
    parse(&bytes).map_err(|error| fail(&error))
}

fn mappings(given: &[String]) -> Result<Vec<Mapping>, Failure> {
    given
        .iter()
        .map(|mapping| match mapping.split_once('=') {
            Some((name, device)) if !name.is_empty() && !device.is_empty() => {
                Ok(Mapping { virtual_name: name.to_owned(), device: device.to_owned() })
            }
            _ => Err(Failure::Usage(format!("argument -B: '{mapping}' is not VIRTUAL=DEVICE"))),
        })
        .collect()
}

fn sixteen(option: &str, text: &str) -> Result<[u8; 16], Failure> {
    let mut bytes = [0; 16];
    hex::decode_to_slice(text, &mut bytes)
        .map_err(|_| Failure::Usage(format!("argument {option}: not 32 hexadecimal digits")))?;
    Ok(bytes)
}

/// The directory of the bundle; one that was made for it goes away again unless it is kept.
struct Destination {
    path: PathBuf,
    made: bool,
}

impl Destination {
    fn of(given: Option<&Path>, environment: &Environment) -> Result<Self, Failure> {
        if let Some(path) = given {
            return match path.is_dir() {
                true => Ok(Self { path: path.to_owned(), made: false }),
                false => Err(Failure::Client(format!("{} is not a directory", path.display()))),
            };
        }
        let parent = environment.first(&["TMPDIR", "TEMP", "TMP"]).unwrap_or("/var/tmp");
        let path = Path::new(parent).join(format!("bundle-{}", chance()?));
        DirBuilder::new().mode(0o700).create(&path).map_err(|error| {
            Failure::Client(format!("{} cannot be made: {error}", path.display()))
        })?;
        Ok(Self { path, made: true })
    }

    fn keep(mut self) {
        self.made = false;
    }
}

impl Drop for Destination {
    fn drop(&mut self) {
        if self.made {
            // Not empty only if somebody else put something there.
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// The parts as files of a directory.
struct Parts {
    directory: PathBuf,
    staged: Vec<Staged>,
}

impl Parts {
    fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), staged: Vec::new() }
    }

    /// Gives the parts their names, and then the manifest; gives the manifest's path.
    fn finish(self, manifest_name: &str, manifest: &[u8]) -> io::Result<PathBuf> {
        let last = Staged::create(&self.directory.join(manifest_name), 0o666)?;
        last.file()?.write_all(manifest)?;
        let mut named = Vec::with_capacity(self.staged.len());
        let result = self
            .staged
            .into_iter()
            .chain([last])
            .try_for_each(|staged| staged.commit().map(|path| named.push(path)));
        match (result, named.pop()) {
            (Ok(()), Some(manifest)) => Ok(manifest),
            (result, last) => {
                for path in named.iter().chain(&last) {
                    // The failure that is reported is the first one.
                    let _ = fs::remove_file(path);
                }
                result.and(Err(io::ErrorKind::NotFound.into()))
            }
        }
    }
}

impl PartSink for Parts {
    fn begin(&mut self, _: usize, filename: &str) -> io::Result<()> {
        self.staged.push(Staged::create(&self.directory.join(filename), 0o666)?);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let part = self.staged.last().ok_or(io::ErrorKind::InvalidInput)?;
        part.file()?.write_all(bytes)
    }

    fn end(&mut self, _: &Part, _: u64) -> io::Result<()> {
        if let Some(part) = self.staged.last_mut() {
            part.close();
        }
        Ok(())
    }
}
