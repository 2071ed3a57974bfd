//! `walrus images verify`: whether every registered image still is what was registered.
//!
//! ```text
//!   clc ──which images──▶ this command ──one question after another──▶ a walrus that runs
//!                                                        └──or──▶ the data directory itself
//! ```
//! Which images there are, and whose certificates sign for them, only the clc knows: it must run.
//! Walrus may run or not. If it does, it answers from its own store, beside its work; if not, this
//! command opens the store and keeps a walrus from starting until it has ended. Nothing is changed
//! either way. One line goes out for each image as soon as it is known what is wrong with it, and
//! nothing but that line is kept.

mod offline;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use clap::Subcommand;
use common::error::ApiError;
use common::id::ImageId;
use common::wire::identity::Identity;
use common::wire::upkeep::{
    CachedImage, CheckCached, CheckManifest, CheckParts, CheckedCached, ListCached, ListRegistered,
    Registered,
};
use common::wire::walrus::Walrus;
use runtime::clock::Clock;
use runtime::envelope::{PeerKey, PeerKeyError};
use runtime::peer::Peer;
use runtime::pool;
use runtime::transport::Transport;
use store::StoreError;
use thiserror::Error;

use crate::config::Config;
use crate::server::StartError;

/// How long one question may take beyond what any message may: a plain image of many gigabytes is
/// read through for one of them.
const PATIENCE: Duration = Duration::from_secs(3600);

/// How much of what is wrong with one image is told; a bundle may have thousands of parts.
const MOST_FAULTS: usize = 20;

/// What can be done with the registered images as a whole.
#[derive(Debug, Subcommand)]
pub enum ImagesCommand {
    /// Check every registered image again: manifest, signature, the digest of every part, and the
    /// plain images in the cache. Walrus may run or not; the clc must
    Verify {
        /// Only these images
        #[arg(value_name = "IMAGE")]
        images: Vec<ImageId>,
    },
}

/// Why images cannot be verified; that says nothing of them.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// The key that the services share cannot be read.
    #[error(transparent)]
    Key(#[from] PeerKeyError),
    /// The data directory cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// There is nothing in the data directory.
    #[error("there is no store in {0}")]
    NoStore(String),
    /// A service does not answer, or refuses.
    #[error("{0}{cause}", cause = cause(.0))]
    Api(#[from] ApiError),
    /// An image that was named is not registered.
    #[error("the image {0} is not registered")]
    Unknown(ImageId),
    /// Nobody takes the lines.
    #[error("the result cannot be written: {0}")]
    Output(#[from] io::Error),
}

fn cause(error: &ApiError) -> String {
    error.source_text().map(|cause| format!(": {cause}")).unwrap_or_default()
}

/// What was found of all images together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Found {
    /// How many images were looked at.
    pub images: u64,
    /// How many plain images of the cache were.
    pub cached: u64,
    /// With how many of either something is wrong.
    pub wrong: u64,
}

impl ImagesCommand {
    /// Does it: a line for each image to `out`, how far it is to `watcher`, if anybody watches.
    ///
    /// # Errors
    /// If images cannot be verified at all.
    pub async fn run(
        &self,
        config: &Config,
        out: &mut dyn Write,
        watcher: Option<&mut dyn Write>,
    ) -> Result<Found, VerifyError> {
        let Self::Verify { images } = self;
        let (identity, walrus) = reach(config).await?;
        let verifier = Verifier { identity, walrus, out, watcher };
        verifier.verify(images).await
    }
}

/// The clc, and the walrus that runs here or what lies in its directory.
async fn reach(config: &Config) -> Result<(Peer<Identity>, Peer<Walrus>), VerifyError> {
    let key = PeerKey::read(&config.peer_key_file)?;
    let clock = Clock::system();
    let identity: Peer<Identity> =
        Peer::there(Transport::new(&config.clc.url, key.clone(), clock.clone()));
    // An empty directory would be made a store.
    let inside = std::fs::read_dir(config.store().path).map(|mut entries| entries.next());
    if !matches!(inside, Ok(Some(_))) {
        return Err(VerifyError::NoStore(config.data_dir.display().to_string()));
    }
    let url = config.internal_url(config.internal_listen);
    let running = Peer::there(Transport::new(&url, key, clock));
    // Opening waits for whoever is just letting go of the store; whoever answers is not.
    let store = config.store().path;
    let is_held = pool::block(move || store::is_held(&store)).await?;
    if is_held && running.call(ListCached {}).await.is_ok() {
        return Ok((identity, running));
    }
    let (opening, asked) = (config.clone(), identity.clone());
    let opened = pool::block(move || offline::open(&opening, asked)).await?;
    let walrus = match opened {
        Ok(dispatcher) => Peer::here(Arc::new(dispatcher)),
        Err(StartError::Store(StoreError::Locked { .. })) => running,
        Err(error) => return Err(error.into()),
    };
    Ok((identity, walrus))
}

struct Verifier<'o, 'w> {
    identity: Peer<Identity>,
    walrus: Peer<Walrus>,
    out: &'o mut dyn Write,
    watcher: Option<&'w mut dyn Write>,
}

impl Verifier<'_, '_> {
    async fn verify(mut self, only: &[ImageId]) -> Result<Found, VerifyError> {
        let listed = self.walrus.call(ListCached {}).await?;
        let mut cached: BTreeMap<String, (CachedImage, Option<CheckedCached>)> =
            listed.into_iter().map(|it| (it.manifest_sha256.clone(), (it, None))).collect();
        let (mut found, mut after) = (Found::default(), None);
        let mut named: Vec<&ImageId> = only.iter().collect();
        loop {
            let page = self.identity.call(ListRegistered { after: after.clone() }).await?;
            for image in &page.images {
                if !only.is_empty() && !only.contains(&image.id) {
                    continue;
                }
                named.retain(|id| **id != image.id);
                found.images += 1;
                let faults = self.image(image, page.allow_unsigned, &mut cached).await?;
                found.wrong += u64::from(!faults.is_empty());
                let (id, location) = (image.id.to_string(), &image.bundle.location);
                let (word, why) = match (&image.failed, faults.as_slice()) {
                    // Nobody can run it, and its owner was told why.
                    (Some(reason), []) => ("failed", Some(reason.clone())),
                    (_, faults) => verdict(faults),
                };
                let columns = ["IMAGE", &id, location, word];
                self.say(columns.into_iter().chain(why.as_deref()))?;
            }
            after = page.images.last().map(|image| image.id.clone());
            if !page.more || after.is_none() {
                break;
            }
        }
        if let Some(unknown) = named.first() {
            return Err(VerifyError::Unknown((*unknown).clone()));
        }
        // What was unpacked for images that are registered no more is looked at, too.
        let others: Vec<String> = match only.is_empty() {
            true => cached.iter().filter(|it| it.1.1.is_none()).map(|it| it.0.clone()).collect(),
            false => Vec::new(),
        };
        for key in others {
            self.watch(&format!("cache {key}"))?;
            let checked = self.cached(&key, &mut cached).await?;
            found.cached += 1;
            let faults: Vec<String> = wrong(&checked).into_iter().collect();
            found.wrong += u64::from(!faults.is_empty());
            let (word, why) = verdict(&faults);
            self.say(["CACHE", &key, "", word].into_iter().chain(why.as_deref()))?;
        }
        Ok(found)
    }

    /// What is wrong with one image.
    async fn image(
        &mut self,
        image: &Registered,
        allow_unsigned: bool,
        cached: &mut BTreeMap<String, (CachedImage, Option<CheckedCached>)>,
    ) -> Result<Vec<String>, VerifyError> {
        let (mut faults, bundle) = (Vec::new(), &image.bundle);
        self.watch(&format!("{}: manifest", image.id))?;
        let ask = CheckManifest { bundle: bundle.clone(), allow_unsigned };
        faults.extend(fault(self.walrus.call(ask).await)?.err());
        let mut from = 0;
        loop {
            let ask = CheckParts { bundle: bundle.clone(), from };
            let checked = match fault(self.walrus.call_patiently(ask, PATIENCE).await)? {
                Ok(checked) => checked,
                // The manifest is to blame, and that was said.
                Err(why) if faults.is_empty() => {
                    faults.push(why);
                    break;
                }
                Err(_) => break,
            };
            faults.extend(checked.faults);
            self.watch(&format!("{}: part {} of {}", image.id, checked.next, checked.total))?;
            // One that does not go on would be asked for ever.
            if checked.next >= checked.total || checked.next <= from {
                break;
            }
            from = checked.next;
        }
        let key = &bundle.manifest_sha256;
        if let Some((plain, _)) = cached.get(key) {
            if image.sha256.as_ref().is_some_and(|recorded| *recorded != plain.sha256) {
                faults.push("the plain image in the cache is not the one that was recorded".into());
            }
            self.watch(&format!("{}: plain image", image.id))?;
            let checked = self.cached(key, cached).await?;
            faults.extend(wrong(&checked));
        }
        Ok(faults)
    }

    /// Reads a plain image through, once for all images of its bundle.
    async fn cached(
        &mut self,
        key: &str,
        cached: &mut BTreeMap<String, (CachedImage, Option<CheckedCached>)>,
    ) -> Result<CheckedCached, VerifyError> {
        if let Some((_, Some(checked))) = cached.get(key) {
            return Ok(checked.clone());
        }
        let ask = CheckCached { manifest_sha256: key.to_owned() };
        let checked = self.walrus.call_patiently(ask, PATIENCE).await?;
        if let Some((_, kept)) = cached.get_mut(key) {
            *kept = Some(checked.clone());
        }
        Ok(checked)
    }

    /// A line of the result, seen at once.
    fn say<'c>(&mut self, columns: impl Iterator<Item = &'c str>) -> io::Result<()> {
        if let Some(watcher) = &mut self.watcher {
            write!(watcher, "\r\x1b[K")?;
            watcher.flush()?;
        }
        let columns: Vec<String> = columns.map(plain).collect();
        writeln!(self.out, "{}", columns.join("\t"))?;
        self.out.flush()
    }

    /// How far it is, in place of what was said of that before.
    fn watch(&mut self, text: &str) -> io::Result<()> {
        let Some(watcher) = &mut self.watcher else { return Ok(()) };
        write!(watcher, "\r\x1b[K{}", plain(text))?;
        watcher.flush()
    }
}

/// What is wrong with a bundle, or that the question itself could not be answered.
fn fault<T>(answer: Result<T, ApiError>) -> Result<Result<T, String>, VerifyError> {
    match answer {
        Ok(good) => Ok(Ok(good)),
        Err(error) if error.code().status() >= 500 => Err(error.into()),
        Err(error) => Ok(Err(error.text().to_owned())),
    }
}

fn wrong(checked: &CheckedCached) -> Option<String> {
    match checked {
        // It was evicted meanwhile, and is unpacked again when it is wanted.
        CheckedCached::Absent | CheckedCached::Whole => None,
        CheckedCached::Wrong(why) => Some(format!("the plain image in the cache: {why}")),
    }
}

/// A word, and what is wrong if anything is.
fn verdict(faults: &[String]) -> (&'static str, Option<String>) {
    if faults.is_empty() {
        return ("ok", None);
    }
    let told: Vec<&str> = faults.iter().take(MOST_FAULTS).map(String::as_str).collect();
    let told = told.join("; ");
    let why = match faults.len().saturating_sub(MOST_FAULTS) {
        0 => told,
        more => format!("{told}; and {more} more"),
    };
    ("wrong", Some(why))
}

/// A text whose control characters are told and not done: keys, names and reasons are their users',
/// and the terminal is an administrator's.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter.is_control() {
            true => out.extend(letter.escape_default()),
            false => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_names_so_much_and_counts_the_rest() {
        let faults = |count: usize| (0..count).map(|n| format!("f{n}")).collect::<Vec<_>>();
        let why = |count| verdict(&faults(count)).1.unwrap();
        assert_eq!(verdict(&[]), ("ok", None));
        assert_eq!(verdict(&faults(2)), ("wrong", Some("f0; f1".to_owned())));
        assert!(why(20).ends_with("; f19"));
        assert!(why(23).ends_with("; f19; and 3 more"));
    }

    #[test]
    fn control_characters_are_told_and_not_done() {
        assert_eq!(plain("a\tb\r\n\x1b[2J\u{9b}1m\0é日"), r"a\tb\r\n\u{1b}[2J\u{9b}1m\u{0}é日");
    }
}
