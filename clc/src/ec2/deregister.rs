//! DeregisterImage: the image can be named no more, from this moment on. Its bundle stays where it
//! is, instances keep running, launches that wait for it still get it if it was found whole.

use common::action::Caller;
use common::ec2::images::DeregisterImage;
use common::ec2::types::Done;
use common::error::{ApiError, ErrorCode};
use common::id::ImageId;
use runtime::actor::{Handle, Scene};
use store::Seen;

use super::ids;
use super::images::{Images, visible};
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
        scene.wakers.all_nodes();
        Ok(Done::YES)
    }
}

/// A registered image that the caller may change. Blocks.
fn own(records: &Records, id: &ImageId, caller: &Caller) -> Result<Seen<Image>, ApiError> {
    let seen = visible(records, id, &caller.account, caller.administrator)?;
    if !caller.may_change(&seen.account) {
        let text = format!("You are not the owner of the image {id}");
        return Err(ApiError::new(ErrorCode::AuthFailure, text));
    }
    Ok(seen)
}

fn deregister(records: &Records, id: &ImageId, caller: &Caller) -> Result<(), ApiError> {
    store::transact(&*records.engine, |batch| {
        let mut seen = own(records, id, caller)?;
        let sha256 = seen.plain().map(|plain| plain.sha256);
        seen.record.state = ImageState::Deregistered { sha256 };
        batch.replace(&seen)?;
        batch.unpoint(&records.image_names, &Image::name_key(&seen.account, &seen.name));
        undefault(records, batch, id)
    })?;
    Ok(())
}
