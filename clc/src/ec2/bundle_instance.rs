//! BundleInstance: an instance's disk becomes a bundle in S3. The task is on record when this is
//! answered; nodes and walrus hear of it afterwards, but walrus was asked whether it would take it.

use common::action::Caller;
use common::ec2::bundle_tasks::{BundleInstance, BundleTaskAnswer, S3Storage};
use common::error::ApiError;
use common::id::InstanceId;
use common::s3::BucketName;
use common::time::Timestamp;
use common::wire::bundling::{BundlePlace, Quiesce};
use runtime::actor::{Handle, Scene};

use super::bundles::{Bundles, Wish, inherited, savable};
use super::{ids, upload_policy};
use crate::records::{BundleTask, Records};

impl Handle<Bundles> for BundleInstance {
    type Checked = (InstanceId, Wish);

    async fn check(self, scene: &Scene<Bundles>) -> Result<Self::Checked, ApiError> {
        let id = ids::instance(&self.instance_id)?;
        let (caller, now) = (scene.caller.clone(), scene.clock.now());
        let place = place(&self.storage.s3)?;
        let found = scene.records.work(move |records| {
            savable(records, &id, &caller)?;
            let (owner, acl) =
                upload_policy::leave(records, &self.storage.s3, &caller, &place, now)?;
            let account = caller.account.clone();
            Ok((id, Wish { account, owner, place, acl, quiesce: Quiesce::Live }))
        });
        let (id, wish) = found.await?;
        scene.may_store(&wish).await?;
        Ok((id, wish))
    }

    async fn act(
        (id, wish): Self::Checked,
        scene: &Scene<Bundles>,
    ) -> Result<BundleTaskAnswer, ApiError> {
        let (caller, now) = (scene.caller.clone(), scene.clock.now());
        let task =
            scene.records.work(move |records| record(records, &id, &wish, &caller, now)).await?;
        scene.wakers.bundles(&task.node);
        Ok(BundleTaskAnswer { bundle_instance_task: scene.show(&task) })
    }
}

fn place(asked: &S3Storage) -> Result<BundlePlace, ApiError> {
    let missing = |name| move || ApiError::missing(name);
    let bucket = asked.bucket.as_deref().ok_or_else(missing("Storage.S3.Bucket"))?;
    let prefix = asked.prefix.as_deref().ok_or_else(missing("Storage.S3.Prefix"))?;
    let bucket: BucketName = bucket
        .parse()
        .map_err(|error: ApiError| ApiError::invalid("Storage.S3.Bucket", error.text()))?;
    BundlePlace::new(bucket, prefix)
}

fn record(
    records: &Records,
    id: &InstanceId,
    wish: &Wish,
    caller: &Caller,
    now: Timestamp,
) -> Result<BundleTask, ApiError> {
    let (task, _) = store::transact(&*records.engine, |batch| {
        records.hold_open(batch, &wish.account)?;
        let instance = savable(records, id, caller)?;
        let task = wish.task(&instance, inherited(records, &instance)?, now)?;
        records.add_bundle_task(batch, &task)?;
        Ok::<_, ApiError>(task)
    })?;
    Ok(task)
}
