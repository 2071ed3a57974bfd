//! Where work goes: an actor decides, the pool does.
//!
//! The process runs on a multi-thread tokio runtime ([`crate::boot`] and [`crate::actor`] see to
//! that); the arbiters are single threads beside it. [`run`] moves a future to the runtime's
//! threads, [`block`] moves a closure that may wait (files, sled, AES, `Command`) to its blocking
//! threads. A panic in either is caught here and becomes an [`ApiError`] for that one caller; it
//! never reaches an actor, which would die of it.

use std::sync::OnceLock;

use common::error::ApiError;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

static POOL: OnceLock<Handle> = OnceLock::new();

/// Names the runtime whose threads are the pool; the first call counts.
pub(crate) fn install(handle: Handle) {
    // A second service in one process (tests raise whole clouds in one) shares the first's pool.
    drop(POOL.set(handle));
}

fn pool() -> Handle {
    match POOL.get() {
        Some(handle) => handle.clone(),
        None => Handle::current(),
    }
}

/// Runs a future on the pool's threads and awaits it.
///
/// # Errors
/// `InternalError` if it panicked.
pub async fn run<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, ApiError> {
    finish(pool().spawn(work)).await
}

/// Runs a closure that may block on the pool's blocking threads and awaits it.
///
/// # Errors
/// `InternalError` if it panicked.
pub async fn block<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    let span = tracing::Span::current();
    finish(pool().spawn_blocking(move || span.in_scope(work))).await
}

/// Starts a future on the pool's threads and lets it run. It must end by itself when its
/// channels close or its stop signal comes.
pub fn spawn(work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    pool().spawn(work)
}

async fn finish<T>(job: JoinHandle<T>) -> Result<T, ApiError> {
    job.await.map_err(|gone| ApiError::internal("the service met an unexpected condition", gone))
}

#[cfg(test)]
mod tests {
    use common::error::ErrorCode;

    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_an_error_for_its_caller_alone() {
        let error = block(|| -> u8 { panic!("boom") }).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InternalError);
        assert!(!error.text().contains("boom"));
        assert_eq!(run(async { 7 }).await.unwrap(), 7);
    }
}
