//! `euca-bundle-vol`: makes an image of this running system, and a bundle of it: what the article
//! calls saving an instance.
//!
//! The image is [`volume`](crate::volume)'s; here are the options, what the instance inherits to it
//! from its metadata, and the way into a bundle.

use std::fs;
use std::path::{Path, PathBuf};

use bundle::{BundleOptions, Mapping};
use clap::Args;
use common::time::Timestamp;

use super::bundle::describe::Description;
use super::bundle::keys::BundleKeys;
use super::bundle::place::Destination;
use super::bundle::{MAX_IMAGE, max_image_size, pack};
use super::{Context, Execute, Failure};
use crate::clock;
use crate::config::Settings;
use crate::disk;
use crate::environment::Environment;
use crate::error::chain;
use crate::metadata::{self, Metadata};
use crate::options::{Local, ShowProgress};
use crate::progress::Progress;
use crate::volume::{Fstab, Table, Volume, Wanted};

/// The variable that names another metadata service, as with other clients.
const SERVICE: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";

/// Options of `euca-bundle-vol`.
#[derive(Debug, Args)]
pub(crate) struct BundleVol {
    /// The directory to make an image of
    #[arg(short, long, value_name = "DIR", default_value = "/")]
    volume: PathBuf,
    /// MiB in the image
    #[arg(short, long, value_name = "MIB", default_value_t = MAX_IMAGE)]
    size: u64,
    /// The most MiB that an image may have; 10240 unless the site says otherwise
    #[arg(long, value_name = "MIB")]
    max_image_size: Option<u64>,
    /// Leave out these paths, and what is below them; * and ? stand for parts of names, ** for any
    /// path
    #[arg(short, long, value_name = "PATH,...", value_delimiter = ',')]
    exclude: Vec<String>,
    /// Take in these paths, whatever else leaves them out
    #[arg(short, long, value_name = "PATH,...", value_delimiter = ',')]
    include: Vec<String>,
    /// Leave nothing out because it is secret or of this machine
    #[arg(long)]
    no_filter: bool,
    /// Take in every file system mounted below, not only those on this machine's disks
    #[arg(short, long)]
    all: bool,
    /// Take kernel, ramdisk, devices, product codes and ancestors from the instance's metadata,
    /// which is done unless --no-inherit is given
    #[arg(long, overrides_with = "no_inherit")]
    inherit: bool,
    /// Ask no metadata service: needed where there is none
    #[arg(long, overrides_with = "inherit")]
    no_inherit: bool,
    /// The image's partition table; like that of this machine's disk if absent
    #[arg(short = 'P', long, value_name = "TABLE", value_parser = ["mbr", "gpt", "none"])]
    partition: Option<String>,
    /// Run this program before bundling, with the path at which the image is mounted meanwhile
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// The image's /etc/fstab
    #[arg(long, value_name = "FILE", conflicts_with = "generate_fstab")]
    fstab: Option<PathBuf>,
    /// Make an /etc/fstab for the image
    #[arg(long)]
    generate_fstab: bool,
    /// The image's configuration of GRUB 1
    #[arg(long, value_name = "FILE")]
    grub_config: Option<PathBuf>,
    /// Where the bundle goes; a new directory below $TMPDIR or /var/tmp if absent
    #[arg(short, long, value_name = "DIR")]
    destination: Option<PathBuf>,
    #[command(flatten)]
    description: Description,
    #[command(flatten)]
    keys: BundleKeys,
    #[command(flatten)]
    progress: ShowProgress,
    #[command(flatten)]
    local: Local,
}

impl Execute for BundleVol {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let settings = Settings::local(&self.local, cx.environment)?;
        if !rustix::process::geteuid().is_root() {
            return Err(Failure::Client(
                "only root can read all of a volume: run this as root".to_owned(),
            ));
        }
        let most = self.max_image_size.map_or_else(|| max_image_size(&settings), Ok)?;
        if self.size == 0 {
            return Err(Failure::Client(
                "an image of 0 MiB holds nothing: give a larger --size".to_owned(),
            ));
        }
        if self.size > most {
            return Err(Failure::Client(format!("Image Size is too large (Max = {most} MB)")));
        }
        let keys = self.keys.read(&settings)?;
        let mut options = self.description.options("image", architecture(), keys.account())?;
        if !self.no_inherit {
            inherit(&mut options, cx.environment)?;
        }
        let wanted = self.wanted(&options)?;
        let destination = Destination::of(self.destination.as_deref(), cx.environment)?;
        let fail = |error: &dyn std::error::Error| Failure::Client(chain(error));
        let now = clock::now().since(Timestamp::EPOCH).as_secs();
        let volume = Volume::look(wanted, now).map_err(|error| fail(&error))?;
        for difference in volume.unlike() {
            cx.warn(&difference);
        }
        let bar = Progress::new("Copying", volume.data(), &self.progress, cx.environment);
        let image = volume.image(destination.path(), &|done| bar.at(done));
        drop(bar);
        let image = image.map_err(|error| fail(&error))?;
        let file = image.open().map_err(|error| fail(&error))?;
        let manifest = pack(
            cx,
            disk::image(file, image.size),
            image.size,
            &options,
            &keys,
            &destination,
            &self.progress,
        )?;
        destination.keep();
        Ok(writeln!(cx.out, "Wrote manifest {}", manifest.display())?)
    }
}

impl BundleVol {
    fn wanted(&self, options: &BundleOptions) -> Result<Wanted, Failure> {
        let read = |path: &Path| {
            fs::read(path).map_err(|error| {
                Failure::Client(format!("{} cannot be read: {error}", path.display()))
            })
        };
        let fstab = match &self.fstab {
            Some(path) => Fstab::Told(read(path)?),
            None if self.generate_fstab => Fstab::Generated,
            None => Fstab::Kept,
        };
        let table = match self.partition.as_deref() {
            Some("mbr") => Some(Table::Mbr),
            Some("gpt") => Some(Table::Gpt),
            Some(_) => Some(Table::None),
            // What is started with a kernel from elsewhere is no whole disk.
            None => options.kernel.as_ref().map(|_| Table::None),
        };
        Ok(Wanted {
            volume: self.volume.clone(),
            size: self.size,
            exclude: self.exclude.clone(),
            include: self.include.clone(),
            filter: !self.no_filter,
            all: self.all,
            table,
            fstab,
            grub: self.grub_config.as_deref().map(read).transpose()?,
            mappings: options.mappings.clone(),
            script: self.script.clone(),
        })
    }
}

/// Puts what the instance inherits to its image beside what the options say, which goes first.
fn inherit(options: &mut BundleOptions, environment: &Environment) -> Result<(), Failure> {
    let address = environment.get(SERVICE).unwrap_or(metadata::ADDRESS);
    let found = Metadata::open(address).and_then(|metadata| metadata.inherited());
    let found = found.map_err(|error| {
        Failure::Client(format!(
            "Unable to read instance metadata ({error}). Pass the --no-inherit option if this \
             is no instance"
        ))
    })?;
    options.kernel = options.kernel.take().or(found.kernel);
    options.ramdisk = options.ramdisk.take().or(found.ramdisk);
    for (virtual_name, device) in found.mappings {
        if !options.mappings.iter().any(|mapping| mapping.virtual_name == virtual_name) {
            options.mappings.push(Mapping { virtual_name, device });
        }
    }
    for code in found.product_codes {
        if !options.product_codes.contains(&code) {
            options.product_codes.push(code);
        }
    }
    options.ancestry = found.ancestry;
    Ok(())
}

/// What this machine's architecture is called in manifests.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86" => "i386",
        "arm" => "armhf",
        "powerpc" => "ppc",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        "powerpc64" => "ppc64",
        _ => "x86_64",
    }
}
