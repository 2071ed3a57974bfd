//! ModifyInstanceMetadataOptions: a wish is changed, and the node is told; it says itself when the
//! change is in force.

use common::action::Caller;
use common::ec2::metadata_options::{
    MetadataRequest, MetadataView, ModifiedMetadataOptions, ModifyInstanceMetadataOptions,
};
use common::error::{ApiError, ErrorCode};
use common::id::InstanceId;
use runtime::actor::{Handle, Scene};
use store::Seen;

use super::ids;
use super::instances::{Instances, in_force, named};
use crate::records::{Instance, Records, Wanted};

impl Handle<Instances> for ModifyInstanceMetadataOptions {
    type Checked = (InstanceId, MetadataRequest);

    async fn check(self, scene: &Scene<Instances>) -> Result<Self::Checked, ApiError> {
        let (id, request) = (ids::instance(&self.instance_id)?, self.request());
        if request.is_empty() {
            return Err(ApiError::missing("HttpTokens"));
        }
        let caller = scene.caller.clone();
        let found = scene.records.work(move |records| {
            changed(records, &id, &request, &caller)?;
            Ok((id, request))
        });
        found.await
    }

    async fn act(
        (id, request): Self::Checked,
        scene: &Scene<Instances>,
    ) -> Result<ModifiedMetadataOptions, ApiError> {
        let caller = scene.caller.clone();
        let instance =
            scene.records.work(move |records| change(records, &id, &request, &caller)).await?;
        scene.wakers.node(&instance.node);
        let seen = scene.cluster.member(&instance.node).map(|member| member.sighting());
        let applied = in_force(&instance, seen.as_ref().and_then(|seen| seen.of(&instance.id)));
        Ok(ModifiedMetadataOptions {
            instance_id: instance.id.to_string(),
            instance_metadata_options: MetadataView::of(&instance.options, applied),
        })
    }
}

/// The instance as it would be after the change, and whether that is another than before.
fn changed(
    records: &Records,
    id: &InstanceId,
    request: &MetadataRequest,
    caller: &Caller,
) -> Result<(Seen<Instance>, bool), ApiError> {
    let found = named(records, std::slice::from_ref(id), caller)?.pop();
    let mut seen = found.ok_or_else(|| ids::no_instances(std::slice::from_ref(id)))?;
    if seen.wanted == Wanted::Terminated || !seen.lives() {
        let text = format!("The instance '{id}' has ended or is about to");
        return Err(ApiError::new(ErrorCode::IncorrectInstanceState, text));
    }
    let before = seen.options;
    request.apply("", &mut seen.record.options)?;
    let news = seen.options != before;
    seen.record.options.revision += u64::from(news);
    Ok((seen, news))
}

fn change(
    records: &Records,
    id: &InstanceId,
    request: &MetadataRequest,
    caller: &Caller,
) -> Result<Instance, ApiError> {
    let (instance, _) = store::transact(&*records.engine, |batch| {
        let (seen, news) = changed(records, id, request, caller)?;
        if news {
            batch.replace(&seen)?;
        }
        Ok::<_, ApiError>(seen.record)
    })?;
    Ok(instance)
}
