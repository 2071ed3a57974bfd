//! Bytes of a file on their way out: read piece by piece on the pool, handed over through a short
//! channel, so that a slow reader holds a few pieces and no thread.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;

use bytes::Bytes;
use runtime::http::Payload;
use runtime::pool;
use tokio::sync::mpsc;

/// How much is read at once, in bytes.
const PIECE: u64 = 128 << 10;

/// How many pieces wait for the reader.
const WAITING: usize = 2;

/// A file that is read from some byte on.
#[derive(Debug)]
pub(crate) struct Window {
    /// The file.
    pub(crate) file: File,
    /// The next byte.
    pub(crate) at: u64,
}

impl Read for Window {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buf, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// Streams the next `length` bytes of a source. `keep` is dropped when the last byte was taken or
/// the reader has gone: permits and pins ride on it.
pub(crate) fn stream(
    mut source: impl Read + Send + 'static,
    length: u64,
    keep: impl Send + 'static,
) -> Payload {
    if length == 0 {
        return Payload::Empty;
    }
    let (sender, pieces) = mpsc::channel(WAITING);
    pool::spawn(async move {
        let _keep = keep;
        let mut left = length;
        while left > 0 {
            let size = usize::try_from(left.min(PIECE)).unwrap_or(0);
            let read = pool::block(move || {
                let mut piece = vec![0; size];
                let read = source.read_exact(&mut piece);
                (source, read.map(|()| Bytes::from(piece)))
            });
            let piece = match read.await {
                Ok((same, piece)) => {
                    source = same;
                    piece
                }
                Err(error) => {
                    drop(sender.send(Err(io::Error::other(error))).await);
                    return;
                }
            };
            let broken = piece.is_err();
            if let Err(error) = &piece {
                tracing::error!(%error, "a file that is being sent cannot be read");
            }
            left -= size as u64;
            // A reader that has gone wants no more.
            if sender.send(piece).await.is_err() || broken {
                return;
            }
        }
    });
    Payload::Stream { length, pieces }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_part_of_a_file_comes_whole_and_lets_go() {
        let mut file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> =
            (0..400_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        file.write_all(&bytes).unwrap();
        let kept = Arc::new(());
        let source = Window { file, at: 1000 };
        let payload = stream(source, 300_000, Arc::clone(&kept));
        let Payload::Stream { length, mut pieces } = payload else { panic!("no stream") };
        let mut got = Vec::new();
        while let Some(piece) = pieces.recv().await {
            got.extend_from_slice(&piece.unwrap());
        }
        assert_eq!(length, 300_000);
        assert!(got == bytes[1000..301_000]);
        assert_eq!(Arc::strong_count(&kept), 1);
    }

    #[tokio::test]
    async fn a_file_that_is_too_short_breaks_the_stream() {
        let file = tempfile::tempfile().unwrap();
        let Payload::Stream { mut pieces, .. } = stream(file, 10, ()) else { panic!() };
        assert!(pieces.recv().await.unwrap().is_err());
        assert!(pieces.recv().await.is_none());
    }
}
