//! What a walrus that does not run would say of its images: the data directory, opened by whoever
//! verifies it. The store's lock keeps a walrus from starting meanwhile.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use common::wire::identity::Identity;
use common::wire::upkeep::{CheckCached, CheckManifest, CheckParts, CheckedCached, ListCached};
use common::wire::walrus::Walrus;
use runtime::dispatcher::Dispatcher;
use runtime::peer::Peer;
use runtime::pool;

use crate::blob::files::Files;
use crate::blob::pins::Pins;
use crate::cache::disk::{Disk, Image};
use crate::cache::table::Key;
use crate::config::Config;
use crate::content::Content;
use crate::identity::certified::Certified;
use crate::image::again;
use crate::image::check::Checker;
use crate::image::key::KeyFile;
use crate::parts::{OpenUploads, Shelves};
use crate::records::Records;
use crate::server::StartError;

/// Opens the data directory of a walrus that does not run. Blocks.
///
/// # Errors
/// The store is locked by a walrus that runs, or something cannot be read.
pub(crate) fn open(
    config: &Config,
    identity: Peer<Identity>,
) -> Result<Dispatcher<Walrus>, StartError> {
    let dir = config.data_dir.as_path();
    let at = |path: PathBuf| move |source: io::Error| StartError::Files { path, source };
    let engine = store::open(&config.store())?;
    // Not admitted: an older walrus must be able to start on it afterwards.
    Records::schema().check(&*engine)?;
    let records = Records::new(engine);
    let objects = dir.join("objects");
    let files = Arc::new(Files::look(&objects));
    let key = KeyFile::open(dir).map_err(at(dir.to_path_buf()))?;
    let cache = dir.join("cache");
    let images = match fs::exists(&cache) {
        Ok(true) => Disk::survey(&cache).map_err(at(cache))?,
        Ok(false) => Vec::new(),
        Err(error) => return Err(at(cache)(error)),
    };
    let open = OpenUploads::default();
    let content = Content { shelves: Shelves { records, files, pins: Pins::default(), open } };
    let certified = Certified::Asked(identity);
    Ok(dispatcher(Checker { content, certified, key }, images))
}

fn dispatcher(checker: Checker, images: Vec<(Key, Image)>) -> Dispatcher<Walrus> {
    let content = checker.content.clone();
    let (checker, images) = (Arc::new(checker), Arc::new(images));
    let listed = Arc::clone(&images);
    Dispatcher::new()
        .with(move |ask: CheckManifest| {
            let checker = Arc::clone(&checker);
            async move { checker.check_again(ask).await }
        })
        .with(move |ask: CheckParts| {
            let content = content.clone();
            async move { pool::block(move || again::parts(&content, &ask)).await? }
        })
        .with(move |_: ListCached| {
            let all = listed.iter().map(|(key, image)| again::view(key.clone(), image.clone()));
            let all = all.collect();
            async move { Ok(all) }
        })
        .with(move |ask: CheckCached| {
            let images = Arc::clone(&images);
            async move { pool::block(move || cached(&images, &ask)).await }
        })
}

/// Of a bundle there may be two plain images on disk; each must be whole.
fn cached(images: &[(Key, Image)], ask: &CheckCached) -> CheckedCached {
    let of_bundle = images.iter().filter(|(key, _)| *key == ask.manifest_sha256);
    let mut checked = CheckedCached::Absent;
    for (_, image) in of_bundle {
        checked = again::plain(image);
        if let CheckedCached::Wrong(_) = checked {
            break;
        }
    }
    checked
}
