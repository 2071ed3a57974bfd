//! Brings one image to disk: fetched, hashed and written in one pass, checked before it has a name.
//!
//! ```text
//!   open(url, offset) ──chunks──► channel of 8 ──► one blocking thread: hash, write, leave holes
//!        ▲     │ broken                                       │ end: size, SHA-256, sync, rename
//!        └─────┘ again from where it broke                    ▼
//!                                                        images/<sha256>
//! ```
//!
//! A transfer that breaks goes on from the byte where it broke; five breaks in a row without one
//! more byte end it. Whole blocks of zeros are not written, so that they take no space.

use std::fs::File;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::fetch::{Fetch, FetchError};

/// What an unfinished image's name ends with.
pub const PART: &str = "part";

/// A block of the file system; a run of zeros as long as this becomes a hole.
const BLOCK: usize = 4096;

/// Transfers in a row that bring nothing.
const TRIES: u32 = 5;

/// The first pause; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(100);

/// An image that is to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Where it is.
    pub url: String,
    /// SHA-256 of its bytes, lower-case hex.
    pub sha256: String,
    /// How many they are.
    pub size: u64,
}

/// Fetches an image into a directory under its hash. On an error nothing is left there.
///
/// # Errors
/// A sentence for the instance's state reason.
pub async fn land(fetch: &dyn Fetch, wanted: &Wanted, directory: &Path) -> Result<(), String> {
    let (chunks, arriving) = mpsc::channel(8);
    let sink = Sink {
        part: directory.join(format!("{}.{PART}", wanted.sha256)),
        path: directory.join(&wanted.sha256),
        sha256: wanted.sha256.clone(),
        size: wanted.size,
    };
    let transfer = transfer(fetch, wanted, chunks);
    let (transferred, written) =
        tokio::join!(transfer, runtime::pool::block(move || sink.drain(arriving)));
    let written = written.map_err(|error| error.to_string()).flatten();
    // When the disk is to blame the transfer ends too, but only because nobody listens.
    match transferred {
        Err(Stop::Fetch(why)) => Err(why),
        _ => written,
    }
}

enum Stop {
    Fetch(String),
    Disk,
}

enum Chunk {
    Data(Bytes),
    End,
}

async fn transfer(
    fetch: &dyn Fetch,
    wanted: &Wanted,
    chunks: mpsc::Sender<Chunk>,
) -> Result<(), Stop> {
    let mut offset = 0;
    let mut vain = 0;
    while offset != wanted.size {
        let before = offset;
        let broken = match one_transfer(fetch, wanted, &chunks, &mut offset).await {
            Ok(()) => FetchError { text: "the transfer ended early".to_owned(), retryable: true },
            Err(Broken::Fetch(error)) => error,
            Err(Broken::Disk) => return Err(Stop::Disk),
        };
        if offset == wanted.size {
            break;
        }
        vain = if offset > before { 1 } else { vain + 1 };
        if !broken.retryable || vain >= TRIES {
            return Err(Stop::Fetch(format!("{broken} (at byte {offset} of {})", wanted.size)));
        }
        tracing::warn!(sha256 = wanted.sha256, offset, error = %broken, "image transfer broke");
        tokio::time::sleep(PAUSE * 2u32.pow(vain)).await;
    }
    chunks.send(Chunk::End).await.map_err(|_| Stop::Disk)
}

enum Broken {
    Fetch(FetchError),
    Disk,
}

async fn one_transfer(
    fetch: &dyn Fetch,
    wanted: &Wanted,
    chunks: &mpsc::Sender<Chunk>,
    offset: &mut u64,
) -> Result<(), Broken> {
    let mut flow = fetch.open(&wanted.url, *offset).await.map_err(Broken::Fetch)?;
    while let Some(data) = flow.next().await {
        let data = data.map_err(Broken::Fetch)?;
        *offset += data.len() as u64;
        if *offset > wanted.size {
            let text = format!("it has more than its {} bytes", wanted.size);
            return Err(Broken::Fetch(FetchError { text, retryable: false }));
        }
        chunks.send(Chunk::Data(data)).await.map_err(|_| Broken::Disk)?;
    }
    Ok(())
}

struct Sink {
    part: PathBuf,
    path: PathBuf,
    sha256: String,
    size: u64,
}

impl Sink {
    /// Blocks until the other side has ended.
    fn drain(self, chunks: mpsc::Receiver<Chunk>) -> Result<(), String> {
        let result = self.receive(chunks);
        if result.is_err() {
            // It may not even have been made; what stays is removed at the next start.
            drop(std::fs::remove_file(&self.part));
        }
        result
    }

    fn receive(&self, mut chunks: mpsc::Receiver<Chunk>) -> Result<(), String> {
        // The owner of an instance reads this; where the node keeps its images is the node's business.
        let on_disk = |error: std::io::Error| {
            tracing::warn!(path = %self.part.display(), %error, "an image cannot be written");
            format!("it cannot be written on its node: {error}")
        };
        let mut options = File::options();
        options.create(true).truncate(true).write(true).mode(0o600);
        let file = options.open(&self.part).map_err(on_disk)?;
        // Where nothing is written there will be holes.
        file.set_len(self.size).map_err(on_disk)?;
        let mut digest = Sha256::new();
        let mut offset = 0;
        loop {
            match chunks.blocking_recv() {
                Some(Chunk::Data(data)) => {
                    digest.update(&data);
                    write_sparse(&file, &data, offset).map_err(on_disk)?;
                    offset += data.len() as u64;
                }
                Some(Chunk::End) => break,
                None => return Err("the transfer was given up".to_owned()),
            }
        }
        let actual = hex::encode(digest.finalize());
        if actual != self.sha256 {
            return Err(format!("its SHA-256 is {actual}"));
        }
        let directory = self.path.parent().unwrap_or(Path::new("/"));
        file.sync_all()
            .and_then(|()| std::fs::rename(&self.part, &self.path))
            .and_then(|()| File::open(directory)?.sync_all())
            .map_err(on_disk)
    }
}

/// Writes all but the whole blocks of zeros.
fn write_sparse(file: &File, data: &[u8], offset: u64) -> std::io::Result<()> {
    const ZEROS: [u8; BLOCK] = [0; BLOCK];
    let into_block = usize::try_from(offset % BLOCK as u64).unwrap_or(0);
    let mut start = 0;
    let mut at = 0;
    while at < data.len() {
        let end = data.len().min(at + BLOCK - if at == 0 { into_block } else { 0 });
        let block = &data[at..end];
        if block == &ZEROS[..block.len()] {
            if start < at {
                file.write_all_at(&data[start..at], offset + start as u64)?;
            }
            start = end;
        }
        at = end;
    }
    file.write_all_at(&data[start..], offset + start as u64)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;
    use std::sync::Mutex;

    use futures_util::future::{BoxFuture, FutureExt};
    use futures_util::stream;

    use super::*;
    use crate::image::fetch::Flow;

    /// Serves a file piece by piece and breaks as told.
    struct Source {
        bytes: Bytes,
        /// After how many bytes each transfer breaks, and whether trying again may help.
        breaks: Mutex<Vec<(usize, bool)>>,
        opened: Mutex<Vec<u64>>,
    }

    impl Source {
        fn new(bytes: Vec<u8>, breaks: &[(usize, bool)]) -> Self {
            let breaks = Mutex::new(breaks.iter().rev().copied().collect());
            Self { bytes: bytes.into(), breaks, opened: Mutex::default() }
        }
    }

    impl Fetch for Source {
        fn open<'a>(&'a self, _: &'a str, offset: u64) -> BoxFuture<'a, Result<Flow, FetchError>> {
            self.opened.lock().unwrap().push(offset);
            let mut rest = self.bytes.slice(usize::try_from(offset).unwrap()..);
            let broken = self.breaks.lock().unwrap().pop();
            let mut pieces = Vec::new();
            if let Some((after, _)) = broken {
                rest.truncate(after);
            }
            while !rest.is_empty() {
                pieces.push(Ok(rest.split_to(rest.len().min(10_000))));
            }
            if let Some((_, retryable)) = broken {
                pieces.push(Err(FetchError { text: "broken".to_owned(), retryable }));
            }
            async move { Ok(stream::iter(pieces).boxed()) }.boxed()
        }
    }

    fn image() -> Vec<u8> {
        let mut image = vec![0; 1_000_001];
        for (at, byte) in image.iter_mut().enumerate() {
            // Something at both ends, nothing in the middle.
            if !(5000..900_000).contains(&at) {
                *byte = u8::try_from(at % 251).unwrap();
            }
        }
        image
    }

    fn wanted(image: &[u8]) -> Wanted {
        let sha256 = hex::encode(Sha256::digest(image));
        Wanted { url: "u".to_owned(), sha256, size: image.len() as u64 }
    }

    async fn landed(source: &Source, wanted: &Wanted) -> (Result<(), String>, Vec<Vec<u8>>, u64) {
        let directory = tempfile::tempdir().unwrap();
        let result = land(source, wanted, directory.path()).await;
        let files = std::fs::read_dir(directory.path()).unwrap().map(|e| e.unwrap().path());
        let files: Vec<_> = files.collect();
        let blocks = files.iter().map(|path| path.metadata().unwrap().blocks()).sum();
        (result, files.iter().map(|path| std::fs::read(path).unwrap()).collect(), blocks)
    }

    #[tokio::test]
    async fn an_image_lands_whole_with_holes_for_its_zeros() {
        let image = image();
        let source = Source::new(image.clone(), &[]);
        let (result, files, blocks) = landed(&source, &wanted(&image)).await;
        assert_eq!(result, Ok(()));
        assert_eq!(files, [image]);
        assert!(blocks * 512 < 200_000, "{blocks} blocks");
    }

    #[tokio::test]
    async fn a_broken_transfer_goes_on_where_it_broke() {
        let image = image();
        let source = Source::new(image.clone(), &[(12_345, true), (0, true), (500_000, true)]);
        let (result, files, _) = landed(&source, &wanted(&image)).await;
        assert_eq!(result, Ok(()));
        assert_eq!(files, [image]);
        assert_eq!(*source.opened.lock().unwrap(), [0, 12_345, 12_345, 512_345]);
    }

    #[tokio::test]
    async fn what_cannot_be_fetched_leaves_nothing() {
        let image = image();
        let right = wanted(&image);
        let wrong = Wanted { sha256: "0".repeat(64), ..right.clone() };
        let short = Wanted { size: right.size - 1, ..right.clone() };
        let actual = format!("its SHA-256 is {}", right.sha256);
        let vain: &[(usize, bool)] = &[(0, true); 5];
        for (wanted, breaks, expected) in [
            (&wrong, &[][..], actual.as_str()),
            (&short, &[], "it has more than its 1000000 bytes (at byte 1000001 of 1000000)"),
            (&right, &[(7, false)], "broken (at byte 7 of 1000001)"),
            (&right, vain, "broken (at byte 0 of 1000001)"),
        ] {
            let source = Source::new(image.clone(), breaks);
            let (result, files, _) = landed(&source, wanted).await;
            assert_eq!(result, Err(expected.to_owned()));
            assert!(files.is_empty());
        }
    }

    #[tokio::test]
    async fn a_full_disk_is_blamed_on_the_disk() {
        let image = image();
        let source = Source::new(image.clone(), &[]);
        let error = land(&source, &wanted(&image), Path::new("/nonexistent")).await.unwrap_err();
        assert!(error.starts_with("it cannot be written on its node: "), "{error}");
    }
}
