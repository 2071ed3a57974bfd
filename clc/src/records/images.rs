//! Images: machine images, kernels and ramdisks.
//!
//! ```text
//!   register ──▶ pending ──▶ available ──┐
//!                   │                    ├──▶ deregistered ──▶ (no record)
//!                   └──────▶ failed ─────┘
//! ```

use std::collections::BTreeSet;

use common::id::{AccountId, BundleTaskId, ImageId, ImageKind, ImportTaskId};
use common::time::Timestamp;
use common::wire::spec::ImageRef;
use common::wire::walrus::{BundleRef, Layout};
use serde::{Deserialize, Serialize};

use super::record::record;

/// The viewer that stands for every account.
pub const EVERYBODY: &str = "all";

/// A registered image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Its id; the prefix tells its kind.
    pub id: ImageId,
    /// Whose it is.
    pub account: AccountId,
    /// The owner's name.
    pub owner_alias: String,
    /// The bundle it was registered from, manifest and all.
    pub bundle: BundleRef,
    /// Its name, unique among the owner's.
    pub name: String,
    /// A sentence about it.
    pub description: Option<String>,
    /// `x86_64`, `i386`…
    pub architecture: String,
    /// The kernel it boots.
    pub kernel: Option<ImageId>,
    /// The ramdisk it boots.
    pub ramdisk: Option<ImageId>,
    /// Its root device.
    pub root_device: String,
    /// Virtual names and devices, as manifest and registration say together.
    pub mapping: Vec<(String, String)>,
    /// Product codes.
    pub product_codes: Vec<String>,
    /// Ids of the images it was made of, as the manifest says.
    pub ancestors: Vec<ImageId>,
    /// Whether it is a Windows image.
    pub windows: bool,
    /// Size of the plain image in bytes.
    pub size: u64,
    /// Whether everybody may run it.
    pub public: bool,
    /// Accounts that may run it besides.
    #[serde(default)]
    pub allowed: BTreeSet<AccountId>,
    /// Where it stands.
    pub state: ImageState,
    /// When it was registered.
    pub created: Timestamp,
    /// What its bytes are; unknown until they have been read through.
    #[serde(default)]
    pub layout: Option<Layout>,
    /// Whether it was registered as `hvm` or as `paravirtual`; if as neither, its bytes decide.
    #[serde(default)]
    pub hvm: Option<bool>,
    /// The task that still saves the instance whose image it becomes; its bundle is not there yet.
    #[serde(default)]
    pub saving: Option<BundleTaskId>,
    /// The task that imports or has imported it.
    #[serde(default)]
    pub importing: Option<ImportTaskId>,
    /// Who registered it, `user/NAME` or `role/NAME` in lower case; empty of before that was noted.
    #[serde(default)]
    pub maker: String,
}

/// Where an image stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageState {
    /// Checked, but its parts have not been read through.
    Pending,
    /// Unpacked once and found whole.
    Available {
        /// SHA-256 of the plain bytes, lower-case hex.
        sha256: String,
    },
    /// Something is wrong with it.
    Failed {
        /// A sentence that names the part, where one is to blame.
        reason: String,
        /// EC2's code, if it is another than that of a bundle with something wrong in it.
        #[serde(default)]
        code: Option<String>,
    },
    /// Its owner has taken it back; the record goes as soon as no launch waits for it.
    Deregistered {
        /// What it was before, for launches that wait: SHA-256 of the plain bytes.
        sha256: Option<String>,
    },
}

record!(Image, "image", |it| it.id.to_string());

impl Image {
    /// What kind of image it is.
    pub fn kind(&self) -> ImageKind {
        self.id.kind()
    }

    /// Virtual names and devices of what its instances have beside their root.
    pub fn devices(&self) -> impl Iterator<Item = &(String, String)> {
        let is_disk = |name: &str| {
            let number = name.strip_prefix("ephemeral");
            name == "swap" || number.is_some_and(|number| number.parse::<u8>().is_ok())
        };
        self.mapping.iter().filter(move |(name, _)| is_disk(name))
    }

    /// Whether it is listed and may be named.
    pub fn is_registered(&self) -> bool {
        !matches!(self.state, ImageState::Deregistered { .. })
    }

    /// Whether `account` may see and run it.
    pub fn may_run(&self, account: &AccountId, administrator: bool) -> bool {
        self.public || administrator || self.is_given_to(account)
    }

    /// Whether `account` may run it by more than that everybody may: as its owner, or by leave.
    pub fn is_given_to(&self, account: &AccountId) -> bool {
        self.account == *account || self.allowed.contains(account)
    }

    /// Who may see it: accounts, and `all`; nobody once it is deregistered.
    pub fn viewers(&self) -> BTreeSet<&str> {
        if !self.is_registered() {
            return BTreeSet::new();
        }
        let all = self.public.then_some(EVERYBODY);
        let allowed = self.allowed.iter().map(AccountId::as_str);
        all.into_iter().chain([self.account.as_str()]).chain(allowed).collect()
    }

    /// Whether it is a disk with a boot loader of its own, which needs no kernel; `None` while that
    /// is not known.
    pub fn boots_itself(&self) -> Option<bool> {
        match (self.hvm, self.layout) {
            (Some(hvm), _) => Some(hvm),
            (None, _) if self.kernel.is_some() => Some(false),
            (None, layout) => layout.map(|layout| layout == Layout::Disk),
        }
    }

    /// How it is virtualized, by EC2's name.
    pub fn virtualization(&self) -> &'static str {
        if self.boots_itself() == Some(true) { "hvm" } else { "paravirtual" }
    }

    /// The sentence for one that does not boot by itself when there is nothing to boot it with.
    pub fn no_kernel(&self) -> String {
        format!(
            "No kernel for {}: neither KernelId nor the image names one, and the cloud has no default",
            self.id
        )
    }

    /// Its key in the index of names.
    pub fn name_key(account: &AccountId, name: &str) -> String {
        format!("{account}/{name}")
    }

    /// Its plain bytes, for a node; `None` before they are known.
    pub fn plain(&self) -> Option<ImageRef> {
        let sha256 = match &self.state {
            ImageState::Available { sha256 } => Some(sha256),
            ImageState::Deregistered { sha256 } => sha256.as_ref(),
            ImageState::Pending | ImageState::Failed { .. } => None,
        };
        let sha256 = sha256?.clone();
        Some(ImageRef { image: self.id.clone(), sha256, size: self.size })
    }
}
