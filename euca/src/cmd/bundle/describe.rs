//! What is said about an image in its manifest: the options, and what they come to.

use bundle::{BundleOptions, Kind, Mapping, SymmetricKey};
use clap::Args;

use crate::cmd::Failure;

/// Options of every command that makes a bundle.
#[derive(Debug, Clone, Args)]
pub(crate) struct Description {
    /// What all names begin with
    #[arg(short, long)]
    pub(crate) prefix: Option<String>,
    /// The image's architecture
    #[arg(short = 'r', long,
          value_parser = ["i386", "x86_64", "armhf", "ppc", "ppc64", "ppc64le"])]
    pub(crate) arch: Option<String>,
    /// The kernel to boot it with; 'true' if the image is a kernel
    #[arg(long, value_name = "IMAGE")]
    pub(crate) kernel: Option<String>,
    /// The ramdisk to boot it with; 'true' if the image is a ramdisk
    #[arg(long, value_name = "IMAGE")]
    pub(crate) ramdisk: Option<String>,
    /// Device names: ami=sda1,root=/dev/sda1,...
    #[arg(short = 'B', long, value_name = "VIRTUAL=DEVICE,...", value_delimiter = ',')]
    block_device_mappings: Vec<String>,
    /// Product codes
    #[arg(long, value_name = "CODE,...", value_delimiter = ',')]
    productcodes: Vec<String>,
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
}

impl Description {
    /// What the options say of an image of `account`; `prefix` and `arch` stand in for options that
    /// are absent.
    pub(crate) fn options(
        &self,
        prefix: &str,
        arch: &str,
        account: &str,
    ) -> Result<BundleOptions, Failure> {
        let prefix = self.prefix.as_deref().unwrap_or(prefix);
        let arch = self.arch.as_deref().unwrap_or(arch);
        let mut options = BundleOptions::new(prefix, arch, account);
        options.kind = self.kind(None)?;
        options.kernel = self.kernel.clone().filter(|id| !says_yes(id));
        options.ramdisk = self.ramdisk.clone().filter(|id| !says_yes(id));
        options.mappings = mappings(&self.block_device_mappings)?;
        options.product_codes = self.productcodes.clone();
        options.part_size = self.part_size;
        if let (Some(key), Some(iv)) = (&self.enc_key, &self.enc_iv) {
            options.key = Some(symmetric_key(key, iv)?);
        }
        Ok(options)
    }

    /// What the image is, by `image_type` or by the words of older tools.
    pub(crate) fn kind(&self, image_type: Option<&str>) -> Result<Kind, Failure> {
        let told = (
            image_type,
            self.kernel.as_deref().is_some_and(says_yes),
            self.ramdisk.as_deref().is_some_and(says_yes),
        );
        match told {
            (None | Some("machine"), false, false) => Ok(Kind::Machine),
            (None | Some("kernel"), true, false) | (Some("kernel"), false, false) => {
                Ok(Kind::Kernel)
            }
            (None | Some("ramdisk"), false, true) | (Some("ramdisk"), false, false) => {
                Ok(Kind::Ramdisk)
            }
            _ => Err(Failure::Usage(
                "--image-type, --kernel and --ramdisk say different things of what the image is"
                    .to_owned(),
            )),
        }
    }
}

fn says_yes(id: &str) -> bool {
    id.eq_ignore_ascii_case("true") || id.eq_ignore_ascii_case("yes")
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

/// Key and IV of a bundle as options tell them.
pub(crate) fn symmetric_key(key: &str, iv: &str) -> Result<SymmetricKey, Failure> {
    Ok(SymmetricKey::new(sixteen("--enc-key", key)?, sixteen("--enc-iv", iv)?))
}

fn sixteen(option: &str, text: &str) -> Result<[u8; 16], Failure> {
    let mut bytes = [0; 16];
    hex::decode_to_slice(text, &mut bytes)
        .map_err(|_| Failure::Usage(format!("argument {option}: not 32 hexadecimal digits")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(kernel: Option<&str>, ramdisk: Option<&str>) -> Description {
        Description {
            prefix: None,
            arch: None,
            kernel: kernel.map(str::to_owned),
            ramdisk: ramdisk.map(str::to_owned),
            block_device_mappings: Vec::new(),
            productcodes: Vec::new(),
            part_size: 1,
            enc_key: None,
            enc_iv: None,
            batch: false,
        }
    }

    #[test]
    fn both_spellings_say_what_an_image_is() {
        for (image_type, kernel, ramdisk, kind) in [
            (None, None, None, Some(Kind::Machine)),
            (None, Some("eki-1"), Some("eri-1"), Some(Kind::Machine)),
            (None, Some("true"), None, Some(Kind::Kernel)),
            (Some("kernel"), None, None, Some(Kind::Kernel)),
            (Some("kernel"), Some("YES"), None, Some(Kind::Kernel)),
            (None, None, Some("True"), Some(Kind::Ramdisk)),
            (Some("ramdisk"), None, None, Some(Kind::Ramdisk)),
            (Some("kernel"), None, Some("true"), None),
            (None, Some("true"), Some("true"), None),
        ] {
            let found = description(kernel, ramdisk).kind(image_type).ok();
            assert_eq!(found, kind, "{image_type:?} {kernel:?} {ramdisk:?}");
        }
    }
}
