//! What pages load: a stylesheet, a script, an icon. All are in the program. Their addresses name their
//! contents, so a browser may keep them for ever and never has an old one.

use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};

/// A file that pages load.
pub(crate) struct Asset {
    /// Its address.
    pub(crate) path: String,
    /// Its type.
    pub(crate) content_type: &'static str,
    /// Its bytes.
    pub(crate) bytes: &'static [u8],
}

fn asset(name: &str, extension: &str, content_type: &'static str, bytes: &'static [u8]) -> Asset {
    let hash = hex::encode(&Sha256::digest(bytes)[..8]);
    Asset { path: format!("/assets/{name}-{hash}.{extension}"), content_type, bytes }
}

/// The stylesheet, a file for what is common and one a family.
pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let all = concat!(
        include_str!("assets/console.css"),
        include_str!("assets/cloud.css"),
        include_str!("assets/compute.css"),
        include_str!("assets/images.css"),
        include_str!("assets/storage.css"),
        include_str!("assets/pictures.css"),
        include_str!("assets/yourself.css"),
    );
    asset("console", "css", "text/css; charset=utf-8", all.as_bytes())
});

/// The script. Pages work without it.
pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    asset("console", "js", "text/javascript; charset=utf-8", include_bytes!("assets/console.js"))
});

/// What forms of instances and key pairs have beyond it: files read into fields, boxes that stay ticked.
pub(crate) static COMPUTE: LazyLock<Asset> = LazyLock::new(|| {
    asset("compute", "js", "text/javascript; charset=utf-8", include_bytes!("assets/compute.js"))
});

/// The icon.
pub(crate) static ICON: LazyLock<Asset> =
    LazyLock::new(|| asset("leaf", "svg", "image/svg+xml", include_bytes!("assets/leaf.svg")));

/// The script that uploads files, for pages where that is done.
pub(crate) static UPLOAD: LazyLock<Asset> = LazyLock::new(|| {
    asset("upload", "js", "text/javascript; charset=utf-8", include_bytes!("assets/upload.js"))
});

/// The asset at an address.
pub(crate) fn find(path: &str) -> Option<&'static Asset> {
    let all = [&*STYLE, &*SCRIPT, &*COMPUTE, &*ICON, &*UPLOAD];
    all.into_iter().find(|asset| asset.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_contents() {
        let path = &STYLE.path;
        assert!(path.starts_with("/assets/console-") && path.ends_with(".css"), "{path}");
        assert_eq!(find(path).map(|asset| asset.bytes.len()), Some(STYLE.bytes.len()));
        assert!(find("/assets/console.css").is_none());
        let all: usize = [&*STYLE, &*SCRIPT, &*ICON].iter().map(|asset| asset.bytes.len()).sum();
        assert!(all < 40 << 10, "{all} bytes are much for what all pages load");
    }
}
