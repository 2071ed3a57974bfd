//! What walrus must have from here: the private half of the cloud's certificate, once, the limit of its
//! cache, once an administrator has set one, and how much buckets and accounts may have that have no
//! limits of their own.

use std::path::PathBuf;

use common::error::ApiError;
use common::wire::quota::SetDefaultLimits;
use common::wire::walrus::{DescribeCache, InstallBundleKey, SetCacheLimit, Walrus};
use futures_util::future::BoxFuture;
use runtime::peer::Peer;
use runtime::reconcile::{Pass, Reconciler};
use store::StoreError;

use crate::records::Records;
use crate::records::accounts::CLOUD_KEY;
use crate::settings;

/// Looks after walrus.
pub struct ForWalrus {
    /// What lasts.
    pub records: Records,
    /// Walrus.
    pub walrus: Peer<Walrus>,
    /// Where the private half lies until walrus has it.
    pub bundle_key_file: PathBuf,
}

impl Reconciler for ForWalrus {
    fn name(&self) -> &str {
        "walrus"
    }

    fn pass(&self) -> BoxFuture<'_, Result<Pass, ApiError>> {
        Box::pin(self.look())
    }
}

impl ForWalrus {
    async fn look(&self) -> Result<Pass, ApiError> {
        let steps = u64::from(self.hand_over_key().await?)
            + u64::from(self.set_limit().await?)
            + u64::from(self.set_defaults().await?);
        Ok(Pass { looked: 3, steps, unsettled: 0 })
    }

    /// The key is on record as delivered before its file goes: a crash in between removes the
    /// file at the next look, and never loses a key that walrus does not have.
    async fn hand_over_key(&self) -> Result<bool, ApiError> {
        let file = self.bundle_key_file.clone();
        let held = self
            .records
            .work(move |records| {
                let key = records.cloud_keys.get(CLOUD_KEY)?;
                let Some(key) = key.filter(|key| !key.delivered) else {
                    remove(&file)?;
                    return Ok(None);
                };
                let private_key = std::fs::read_to_string(&file)
                    .map_err(|error| ApiError::internal("The cloud's key cannot be read", error))?;
                let certificate = key.record.certificate;
                Ok(Some(InstallBundleKey { certificate, private_key }))
            })
            .await?;
        let Some(key) = held else { return Ok(false) };
        self.walrus.call(key).await?;
        let file = self.bundle_key_file.clone();
        self.records
            .work(move |records| {
                records.cloud_keys.update(CLOUD_KEY, |key| {
                    key.delivered = true;
                    Ok::<_, StoreError>(())
                })?;
                remove(&file)
            })
            .await?;
        tracing::info!("walrus has the cloud's key");
        Ok(true)
    }

    /// A limit that nobody has set here is walrus' own business: its configuration names one.
    async fn set_limit(&self) -> Result<bool, ApiError> {
        let wanted = self
            .records
            .work(|records| settings::on_record(records, settings::CACHE_MEGABYTES))
            .await?;
        let Some(Ok(megabytes)) = wanted.map(|text| text.parse::<u64>()) else {
            return Ok(false);
        };
        let cache = self.walrus.call(DescribeCache {}).await?;
        if cache.limit == megabytes << 20 {
            return Ok(false);
        }
        self.walrus.call(SetCacheLimit { megabytes }).await?;
        Ok(true)
    }

    /// Limits that nobody has set here are those of walrus' configuration.
    async fn set_defaults(&self) -> Result<bool, ApiError> {
        let wanted = self.records.work(|records| {
            let number = |name| {
                let value = settings::on_record(records, name)?;
                Ok::<_, ApiError>(value.and_then(|text| text.parse::<u64>().ok()))
            };
            let megabytes = number(settings::BUCKET_MEGABYTES)?;
            Ok(SetDefaultLimits {
                account_buckets: number(settings::BUCKETS_PER_ACCOUNT)?,
                bucket_bytes: megabytes.map(|megabytes| megabytes.saturating_mul(1 << 20)),
            })
        });
        self.walrus.call(wanted.await?).await
    }
}

fn remove(file: &std::path::Path) -> Result<(), ApiError> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(ApiError::internal("The cloud's key file cannot be removed", error))
        }
        _ => Ok(()),
    }
}
