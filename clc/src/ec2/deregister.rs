//! DeregisterImage: the image can be named no more, from this moment on. Its bundle stays where it
//! is, instances keep running, launches that wait for it still get it if it was found whole.

use common::action::Caller;
use common::ec2::images::DeregisterImage;
use common::ec2::types::Done;
use common::error::{ApiError, ErrorCode};
use common::id::ImageId;
use runtime::actor::{Handle, Scene};

use super::ids;
use super::images::{Images, visible};
use crate::reconcile::images::undefault;
use crate::records::{Image, ImageState, Records};

impl Handle<Images> for DeregisterImage {
    async fn handle(self, scene: Scene<Images>) -> Result<Done, ApiError> {
        let id = ids::image(&self.image_id)?;
        let caller = scene.caller.clone();
        scene.records.work(move |records| deregister(records, &id, &caller)).await?;
        scene.wakers.images.wake();
        scene.wakers.all_nodes();
        Ok(Done::YES)
    }
}

fn deregister(records: &Records, id: &ImageId, caller: &Caller) -> Result<(), ApiError> {
    store::transact(&*records.engine, |batch| {
        let mut seen = visible(records, id, &caller.account, caller.administrator)?;
        if !caller.may_change(&seen.account) {
            let text = format!("You are not the owner of the image {id}");
            return Err(ApiError::new(ErrorCode::AuthFailure, text));
        }
        let sha256 = seen.plain().map(|plain| plain.sha256);
        seen.record.state = ImageState::Deregistered { sha256 };
        batch.replace(&seen)?;
        batch.unpoint(&records.image_names, &Image::name_key(&seen.account, &seen.name));
        undefault(records, batch, id)
    })?;
    Ok(())
}
