//! DeregisterImage: the image can be named no more, from this moment on. Its bundle stays where it
//! is, instances keep running, launches that wait for it still get it if it was found whole.

use common::action::Caller;
use common::ec2::images::DeregisterImage;
use common::ec2::types::Done;
use common::error::ApiError;
use common::id::ImageId;
use runtime::actor::{Handle, Scene};

use super::ids;
use super::images::{Images, own};
use crate::reconcile::images::undefault;
use crate::records::{Image, ImageState, Records};

impl Handle<Images> for DeregisterImage {
    type Checked = ImageId;

    async fn check(self, scene: &Scene<Images>) -> Result<ImageId, ApiError> {
        let id = ids::image(&self.image_id)?;
        let caller = scene.caller.clone();
        scene.records.work(move |records| own(records, &id, &caller).map(|_| id)).await
    }

    async fn act(id: ImageId, scene: &Scene<Images>) -> Result<Done, ApiError> {
        let caller = scene.caller.clone();
        scene.records.work(move |records| deregister(records, &id, &caller)).await?;
        scene.wakers.images.wake();
        scene.wakers.imports.wake();
        scene.wakers.all_nodes();
        Ok(Done::YES)
    }
}

fn deregister(records: &Records, id: &ImageId, caller: &Caller) -> Result<(), ApiError> {
    store::transact(&*records.engine, |batch| {
        let mut seen = own(records, id, caller)?;
        let sha256 = seen.plain().map(|plain| plain.sha256);
        let before = seen.record.clone();
        seen.record.state = ImageState::Deregistered { sha256 };
        batch.replace(&seen)?;
        records.list(batch, Some(&before), &seen);
        batch.unpoint(&records.image_names, &Image::name_key(&seen.account, &seen.name));
        records.drop_tags(batch, id.as_str())?;
        undefault(records, batch, id)
    })?;
    Ok(())
}
