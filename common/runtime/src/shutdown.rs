//! One stop signal for a process: raised once, seen by everybody who holds it.

use tokio::sync::watch;

/// The signal. Clones are the same signal.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Sender<bool>);

impl Default for Shutdown {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Shutdown {
    /// Raises it. It stays raised.
    pub fn raise(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was raised.
    pub fn is_raised(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is raised.
    pub async fn raised(&self) {
        let mut seen = self.0.subscribe();
        // The sender lives as long as `self`, so this ends only by the signal.
        drop(seen.wait_for(|raised| *raised).await);
    }
}
