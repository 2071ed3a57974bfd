//! What lies in the cache of a test's walrus.

use std::sync::{Arc, Mutex};

use common::error::{ApiError, ErrorCode};
use common::wire::cached::{CacheContent, EvictCached, EvictedImages, HeldImage, LookIntoCache};
use common::wire::walrus::{CacheView, Walrus};
use runtime::dispatcher::Dispatcher;

/// The images in it.
pub(crate) type Cached = Arc<Mutex<Vec<HeldImage>>>;

/// Answers what lies in it, and removes what nobody reads.
pub(crate) fn answer_on(answers: Dispatcher<Walrus>, cached: &Cached) -> Dispatcher<Walrus> {
    let (shown, evicted) = (Arc::clone(cached), Arc::clone(cached));
    answers
        .with(move |_: LookIntoCache| {
            let images = shown.lock().unwrap().clone();
            let used = images.iter().map(|it| it.size).sum();
            let figures = CacheView { limit: 1 << 30, used, ..CacheView::default() };
            async move { Ok(CacheContent { revision: 1, figures, images }) }
        })
        .with(move |ask: EvictCached| {
            let mut cached = evicted.lock().unwrap();
            let one = ask.manifest_sha256;
            let wanted = |it: &HeldImage| match &one {
                Some(manifest) => it.manifest_sha256 == *manifest,
                None => it.pins == 0,
            };
            let busy = one.is_some() && cached.iter().any(|it| wanted(it) && it.pins > 0);
            let gone: Vec<_> = cached.iter().filter(|it| !busy && wanted(it)).cloned().collect();
            cached.retain(|it| !gone.contains(it));
            let (images, bytes) = (gone.len() as u64, gone.iter().map(|it| it.size).sum());
            let text = "The image is being read, or is about to be: it is not evicted";
            async move {
                match busy {
                    true => Err(ApiError::new(ErrorCode::IncorrectState, text)),
                    false => Ok(EvictedImages { images, bytes }),
                }
            }
        })
}
