//! Where work goes: an actor decides, the pool does.
//!
//! A process has one pool: a multi-thread tokio runtime that lives as long as the process. Arbiters
//! and web workers are single threads beside it. [`run`] moves a future to the pool's threads,
//! [`block`] a closure that may wait (files, sled, AES, `Command`) to its blocking threads. A panic
//! in either is caught here and becomes an [`ApiError`] for that one caller; it never reaches an
//! actor, which would die of it.

use std::sync::OnceLock;

use common::error::ApiError;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

static POOL: OnceLock<Runtime> = OnceLock::new();

/// Starts the pool, so that a host without threads to spare says so at start.
///
/// # Errors
/// If its threads cannot be made.
pub(crate) fn start() -> std::io::Result<()> {
    if POOL.get().is_none() {
        let runtime = Builder::new_multi_thread().thread_name("pool").enable_all().build()?;
        // Whoever came first, there is one pool; a second one was never used.
        if let Err(second) = POOL.set(runtime) {
            second.shutdown_background();
        }
    }
    Ok(())
}

fn pool() -> &'static Runtime {
    if let Err(error) = start() {
        // Only tests come here without `boot`, which has tried this before.
        tracing::error!(%error, "the pool's threads cannot be made");
    }
    #[expect(clippy::expect_used, reason = "a process without threads can do nothing at all")]
    POOL.get().expect("the pool has its threads")
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

/// As [`run`], for work that nobody needs any more when whoever awaits it goes away: it is ended
/// then.
///
/// # Errors
/// `InternalError` if it panicked.
pub async fn until_dropped<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, ApiError> {
    let mut job = tokio::task::JoinSet::new();
    job.spawn_on(work, pool().handle());
    match job.join_next().await {
        Some(ended) => ended.map_err(unexpected),
        None => Err(unexpected("the work has gone")),
    }
}

/// Starts a future on the pool's threads and lets it run. It must end by itself when its
/// channels close or its stop signal comes.
pub fn spawn(work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    pool().spawn(work)
}

async fn finish<T>(job: JoinHandle<T>) -> Result<T, ApiError> {
    job.await.map_err(unexpected)
}

fn unexpected(gone: impl std::fmt::Display) -> ApiError {
    ApiError::internal("the service met an unexpected condition", gone)
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
