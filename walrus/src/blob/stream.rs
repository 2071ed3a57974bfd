//! Bytes of a file on their way out: read piece by piece on the pool, handed over through a short
//! channel, so that a slow reader holds a few pieces and no thread.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use runtime::http::Payload;
use runtime::pool;
use tokio::sync::mpsc;

/// How much is read at once, in bytes.
const PIECE: u64 = 128 << 10;

/// How many pieces wait for the reader.
const WAITING: usize = 2;

/// Streams `length` bytes of `file` from `start` on. `keep` is dropped when the last byte was
/// taken or the reader has gone: permits and pins ride on it.
pub(crate) fn stream(file: File, start: u64, length: u64, keep: impl Send + 'static) -> Payload {
    if length == 0 {
        return Payload::Empty;
    }
    let (sender, pieces) = mpsc::channel(WAITING);
    let file = Arc::new(file);
    pool::spawn(async move {
        let _keep = keep;
        let (mut at, end) = (start, start + length);
        while at < end {
            let source = Arc::clone(&file);
            let size = usize::try_from((end - at).min(PIECE)).unwrap_or(0);
            let piece = pool::block(move || read(&source, at, size)).await;
            let piece = piece.unwrap_or_else(|error| Err(io::Error::other(error)));
            let broken = piece.is_err();
            if let Err(error) = &piece {
                tracing::error!(%error, "a file that is being sent cannot be read");
            }
            at += size as u64;
            // A reader that has gone wants no more.
            if sender.send(piece).await.is_err() || broken {
                return;
            }
        }
    });
    Payload::Stream { length, pieces }
}

fn read(file: &File, at: u64, size: usize) -> io::Result<Bytes> {
    let mut piece = vec![0; size];
    file.read_exact_at(&mut piece, at)?;
    Ok(piece.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[tokio::test]
    async fn a_part_of_a_file_comes_whole_and_lets_go() {
        let mut file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> =
            (0..400_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        file.write_all(&bytes).unwrap();
        let kept = Arc::new(());
        let payload = stream(file, 1000, 300_000, Arc::clone(&kept));
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
        let Payload::Stream { mut pieces, .. } = stream(file, 0, 10, ()) else { panic!() };
        assert!(pieces.recv().await.unwrap().is_err());
        assert!(pieces.recv().await.is_none());
    }
}
