//! What is changed of an image: who may launch it, its description, its tags.

use common::ec2::image_attributes::{
    ChangedPermission, ChangedPermissions, ModifyImageAttribute, NewValue,
};
use common::ec2::tags::{CreateTags, DeleteTags, NewTag, OldTag};
use common::error::ApiError;

use super::image::page;
use crate::console::components::told_beside;
use crate::console::reply::Reply;
use crate::console::visit::Visit;

/// Back to the image, with what was done or refused.
async fn back<T>(visit: &Visit, done: &str, did: Result<T, ApiError>) -> Result<Reply, ApiError> {
    match did {
        Ok(_) => Ok(Reply::see(format!("/images/{}?done={done}", visit.part(0)))),
        Err(error) => page(visit, Some(&told_beside(error)?)).await,
    }
}

/// Who may launch it.
pub(crate) async fn permissions(visit: Visit) -> Result<Reply, ApiError> {
    let all = ChangedPermission { group: Some("all".to_owned()), ..ChangedPermission::default() };
    let user_id = visit.form.some("account");
    let one = ChangedPermission { user_id, ..ChangedPermission::default() };
    let (add, remove) = match visit.form.get("do") {
        "open" => (vec![all], Vec::new()),
        "close" => (Vec::new(), vec![all]),
        "remove" => (Vec::new(), vec![one]),
        _ => (vec![one], Vec::new()),
    };
    let change = ModifyImageAttribute {
        image_id: visit.part(0).to_owned(),
        launch_permission: Some(ChangedPermissions { add, remove }),
        ..ModifyImageAttribute::default()
    };
    let did = visit.call(change).await;
    back(&visit, "shared", did).await
}

/// A sentence about it.
pub(crate) async fn description(visit: Visit) -> Result<Reply, ApiError> {
    let value = Some(visit.form.line("description").to_owned());
    let change = ModifyImageAttribute {
        image_id: visit.part(0).to_owned(),
        description: Some(NewValue { value }),
        ..ModifyImageAttribute::default()
    };
    let did = visit.call(change).await;
    back(&visit, "described", did).await
}

/// Sets a tag.
pub(crate) async fn tag(visit: Visit) -> Result<Reply, ApiError> {
    let value = Some(visit.form.line("value").to_owned());
    let tag = vec![NewTag { key: visit.form.line("key").to_owned(), value }];
    let did = visit.call(CreateTags { resource_id: vec![visit.part(0).to_owned()], tag }).await;
    back(&visit, "tagged", did).await
}

/// Takes a tag off.
pub(crate) async fn untag(visit: Visit) -> Result<Reply, ApiError> {
    let tag = vec![OldTag { key: visit.form.get("key").to_owned(), value: None }];
    let did = visit.call(DeleteTags { resource_id: vec![visit.part(0).to_owned()], tag }).await;
    back(&visit, "tagged", did).await
}
