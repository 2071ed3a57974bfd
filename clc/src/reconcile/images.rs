//! Images: from pending to available or failed, and from deregistered to nothing.

use std::collections::BTreeSet;

use common::error::ApiError;
use common::id::ImageId;
use common::wire::walrus::{ForgetImage, Layout, Walrus, WantedImage};
use futures_util::future::BoxFuture;
use runtime::peer::Peer;
use runtime::reconcile::{Pass, Reconciler};
use store::Seen;

use super::Wakers;
use super::plain::PlainImages;
use crate::records::{Image, ImageState, Records, SeenState, Wanted};
use crate::settings;

/// Looks after all images.
pub struct Images {
    /// What lasts.
    pub records: Records,
    /// Plain images.
    pub plain: PlainImages,
    /// Walrus itself, to be told what it may forget.
    pub walrus: Peer<Walrus>,
    /// Launches that wait for images.
    pub wakers: Wakers,
}

impl Reconciler for Images {
    fn name(&self) -> &str {
        "images"
    }

    fn pass(&self) -> BoxFuture<'_, Result<Pass, ApiError>> {
        Box::pin(self.look())
    }
}

impl Images {
    async fn look(&self) -> Result<Pass, ApiError> {
        let mut pass = Pass::default();
        let images = self
            .records
            .work(|records| Ok(records.images.all("").collect::<Result<Vec<_>, _>>()?))
            .await?;
        for image in images {
            pass.looked += 1;
            if image.saving.is_some() && image.is_registered() {
                // Its bundle is not there yet; whoever saves it looks after it.
                pass.unsettled += 1;
                continue;
            }
            let stepped = match &image.state {
                ImageState::Available { .. } | ImageState::Failed { .. } => continue,
                ImageState::Pending => self.unpack(&image).await,
                ImageState::Deregistered { .. } => self.forget(&image).await,
            };
            pass.unsettled += 1;
            match stepped {
                Ok(stepped) => pass.steps += u64::from(stepped),
                Err(error) => {
                    let cause = error.source_text().unwrap_or_default();
                    tracing::warn!(image = %image.id, %error, cause, "a step for an image failed");
                }
            }
        }
        Ok(pass)
    }

    async fn unpack(&self, image: &Seen<Image>) -> Result<bool, ApiError> {
        let (state, size, layout) = match self
            .plain
            .want(&image.bundle, image.created, false)
            .await?
        {
            WantedImage::Unpacking { .. } => return Ok(false),
            WantedImage::Failed { retryable: true, reason } => {
                tracing::warn!(image = %image.id, reason, "the image cannot be unpacked just now");
                return Ok(false);
            }
            WantedImage::Failed { retryable: false, reason } => {
                tracing::warn!(image = %image.id, reason, "the image has failed");
                (ImageState::Failed { reason, code: None }, image.size, None)
            }
            WantedImage::Ready(ticket) => {
                let layout = ticket.layout;
                let state = if image.hvm == Some(true) && layout == Layout::Bare {
                    let reason = "it was registered as hvm and is no whole disk: it has no \
                                  partition table";
                    tracing::warn!(image = %image.id, reason, "the image has failed");
                    ImageState::Failed { reason: reason.to_owned(), code: None }
                } else {
                    tracing::info!(image = %image.id, ?layout, "the image is available");
                    ImageState::Available { sha256: ticket.sha256 }
                };
                (state, ticket.size, Some(layout))
            }
        };
        let id = image.id.clone();
        self.records.work(move |records| settle(records, &id, &state, size, layout)).await?;
        self.wakers.all_nodes();
        Ok(true)
    }

    async fn forget(&self, image: &Seen<Image>) -> Result<bool, ApiError> {
        let it = image.record.clone();
        let (awaited, shared) = self.records.work(move |records| Ok(users(records, &it)?)).await?;
        if awaited {
            return Ok(false);
        }
        // Of an image that was never saved there is nothing to forget.
        if !shared && !image.bundle.manifest_sha256.is_empty() {
            self.walrus.call(ForgetImage { bundle: image.bundle.clone() }).await?;
        }
        let id = image.id.clone();
        self.records.work(move |records| remove(records, &id)).await?;
        Ok(true)
    }
}

/// Removes an image's record, with all that was written on it.
fn remove(records: &Records, id: &ImageId) -> Result<(), ApiError> {
    store::transact(&*records.engine, |batch| {
        if let Some(seen) = records.images.get(id.as_str())? {
            batch.remove(&seen);
            records.drop_tags(batch, id.as_str())?;
        }
        Ok::<_, ApiError>(())
    })?;
    Ok(())
}

/// Records what became of a pending image, unless its owner was faster.
fn settle(
    records: &Records,
    id: &ImageId,
    state: &ImageState,
    size: u64,
    layout: Option<Layout>,
) -> Result<(), ApiError> {
    store::transact(&*records.engine, |batch| {
        let Some(mut seen) = records.images.get(id.as_str())? else { return Ok(()) };
        if seen.state != ImageState::Pending {
            return Ok(());
        }
        seen.record.state = state.clone();
        seen.record.size = size;
        seen.record.layout = layout;
        batch.replace(&seen)?;
        if matches!(state, ImageState::Failed { .. }) {
            undefault(records, batch, id)?;
        }
        Ok::<_, ApiError>(())
    })?;
    Ok(())
}

/// Adds to a batch: an image that cannot be used is no longer the cloud's default.
///
/// # Errors
/// If the store fails.
pub fn undefault(
    records: &Records,
    batch: &mut store::Batch,
    id: &ImageId,
) -> Result<(), ApiError> {
    if let Some(setting) = settings::default_of(id.kind())
        && settings::image(records, setting)?.as_ref() == Some(id)
    {
        settings::put(records, batch, setting, "")?;
    }
    Ok(())
}

/// Whether a launch waits for an image, and whether another image that is registered, or that a
/// launch waits for, has the same manifest: walrus keeps one plain image for both.
fn users(records: &Records, image: &Image) -> Result<(bool, bool), store::StoreError> {
    let mut awaited = BTreeSet::new();
    for seen in records.instances.all("") {
        let it = seen?.record;
        if it.wanted == Wanted::Running && it.seen == SeenState::Pending {
            awaited.insert(it.image);
            awaited.extend(it.kernel.into_iter().chain(it.ramdisk));
        }
    }
    if awaited.contains(&image.id) {
        return Ok((true, false));
    }
    for seen in records.images.all("") {
        let other = seen?.record;
        let same = other.bundle.manifest_sha256 == image.bundle.manifest_sha256;
        let needed = other.is_registered() || awaited.contains(&other.id);
        if other.id != image.id && same && needed {
            return Ok((false, true));
        }
    }
    Ok((false, false))
}
