//! What an agent finds when it comes up: the way after a crash is the way of every morning.
//!
//! The wishes beside the disks say what should be, the driver says what lives. A machine that
//! lives and is known is taken over as it runs; one that lives and that nobody knows is ended.
//! One whose wish cannot be read is left alone in every respect: its guest may be fine, and
//! somebody will want to look.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::error::ApiError;
use runtime::pool;
use thiserror::Error;

use crate::hypervisor::driver::Driver;
use crate::hypervisor::error::DriverError;
use crate::vm::folder::{self, FolderError, Scan};

/// Why the agent cannot know what it has.
#[derive(Debug, Error)]
pub enum AdoptError {
    /// The instances' directory cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The driver cannot say what lives.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// Something of our own failed.
    #[error(transparent)]
    Api(#[from] ApiError),
}

/// Reads what is on disk.
///
/// # Errors
/// If the instances' directory cannot be read.
pub async fn look(instances: &Path) -> Result<Scan, AdoptError> {
    let directory = instances.to_owned();
    let scan = pool::block(move || folder::scan(&directory)).await??;
    for (path, why) in &scan.broken {
        tracing::error!(path = %path.display(), why, "this is left alone: it is no instance of ours");
    }
    Ok(scan)
}

/// Finds what lives, ends strangers, and says the directories of the others.
///
/// # Errors
/// If the driver cannot look. A stranger that cannot be ended is only logged.
pub async fn living(
    driver: Arc<dyn Driver>,
    instances: &Path,
    scan: &Scan,
) -> Result<BTreeSet<PathBuf>, AdoptError> {
    // In the pool, which outlives the arbiter: what the driver watches, it watches from there.
    let (asked, directory) = (Arc::clone(&driver), instances.to_owned());
    let found = pool::run(async move { asked.find(&directory).await }).await??;
    let (known, strangers) = sort(found, scan);
    let ended = pool::run(async move {
        for path in strangers {
            tracing::warn!(path = %path.display(), "ending a machine that nobody knows");
            if let Err(error) = driver.kill(&path).await {
                tracing::error!(path = %path.display(), %error, "it cannot be ended");
            }
        }
    });
    ended.await?;
    Ok(known)
}

fn sort(found: Vec<PathBuf>, scan: &Scan) -> (BTreeSet<PathBuf>, Vec<PathBuf>) {
    let kept: BTreeSet<_> = scan.kept.iter().map(|kept| kept.folder.path()).collect();
    let broken: BTreeSet<_> = scan.broken.iter().map(|(path, _)| path.as_path()).collect();
    let (mut known, mut strangers) = (BTreeSet::new(), Vec::new());
    for path in found {
        if kept.contains(path.as_path()) {
            known.insert(path);
        } else if !broken.contains(path.as_path()) {
            strangers.push(path);
        }
    }
    (known, strangers)
}

#[cfg(test)]
mod tests {
    use crate::vm::folder::{Folder, Kept, Remains};

    use super::*;

    #[test]
    fn the_known_live_the_strangers_go_and_the_broken_are_left_alone() {
        let root = Path::new("/instances");
        let wish = folder::tests::wish(1);
        let folder = Folder::of(root, &wish.spec.instance).unwrap();
        let scan = Scan {
            kept: vec![Kept { folder, what: Remains::Wish(Box::new(wish)), disk: false }],
            broken: vec![(root.join("i-00000002"), "odd".to_owned())],
        };
        let found = ["i-00000001", "i-00000002", "i-00000003"].map(|name| root.join(name));
        let (known, strangers) = sort(found.to_vec(), &scan);
        assert_eq!(known, BTreeSet::from([root.join("i-00000001")]));
        assert_eq!(strangers, [root.join("i-00000003")]);
    }
}
