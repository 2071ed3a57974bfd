//! A few RSA keys made ahead, in memory only: one takes a good part of a second, and whoever asks
//! for a key pair should not wait for it.

use std::sync::Arc;

use common::error::ApiError;
use runtime::pool;
use runtime::shutdown::Shutdown;
use tokio::sync::{Mutex, mpsc};

use super::key_material::{self, KeyMaterial};

/// How many keys wait at most. Each is good for one key pair and never leaves the process
/// otherwise.
const AHEAD: usize = 3;

/// The keys that were made ahead.
#[derive(Clone)]
pub struct KeysAhead(Arc<Mutex<mpsc::Receiver<KeyMaterial>>>);

impl KeysAhead {
    /// Starts making keys, one after the other, until the shutdown.
    pub fn start(shutdown: &Shutdown) -> Self {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let shutdown = shutdown.clone();
        pool::spawn(async move {
            loop {
                // Room first, so that a finished key never waits outside the bound.
                let room = tokio::select! {
                    room = sender.reserve() => room,
                    () = shutdown.raised() => return,
                };
                let Ok(room) = room else { return };
                match pool::block(key_material::rsa).await {
                    Ok(Ok(key)) => room.send(key),
                    Ok(Err(error)) | Err(error) => {
                        tracing::error!(%error, "no key pair can be made ahead");
                        return;
                    }
                }
            }
        });
        Self(Arc::new(Mutex::new(receiver)))
    }

    /// A key pair: one that is ready, else one made now.
    ///
    /// # Errors
    /// If no key can be made.
    pub async fn take(&self) -> Result<KeyMaterial, ApiError> {
        if let Ok(key) = self.0.lock().await.try_recv() {
            return Ok(key);
        }
        pool::block(key_material::rsa).await?
    }
}
