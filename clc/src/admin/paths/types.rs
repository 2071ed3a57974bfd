//! Instance types: their sizes, changed all or none.

use common::administration::types::{ModifiedTypes, ModifyInstanceTypes, TypeSize};
use common::error::ApiError;
use runtime::actor::{Handle, Scene};

use super::Paths;
use crate::ec2::types::{self, Change};
use crate::records::Records;

impl Handle<Paths> for ModifyInstanceTypes {
    type Checked = Vec<Change>;

    async fn check(self, scene: &Scene<Paths>) -> Result<Vec<Change>, ApiError> {
        if self.instance_type.is_empty() {
            return Err(ApiError::missing("InstanceType"));
        }
        let changes = self.instance_type.into_iter().map(|it| Change {
            name: it.name,
            cpus: it.cpu,
            memory_mib: it.memory,
            disk_gib: it.disk,
        });
        let changes: Vec<_> = changes.collect();
        let check = move |records: &Records| {
            types::changed(types::now(records)?, &changes)?;
            Ok(changes)
        };
        scene.people.records.work(check).await
    }

    async fn act(changes: Vec<Change>, scene: &Scene<Paths>) -> Result<ModifiedTypes, ApiError> {
        let change = move |records: &Records| {
            let changed =
                store::transact(&*records.engine, |batch| types::change(records, batch, &changes))?;
            Ok(changed.0)
        };
        let types = scene.people.records.work(change).await?;
        let size = |it: types::InstanceType| TypeSize {
            name: it.name.to_owned(),
            cpu: it.cpus.into(),
            memory: it.memory_mib,
            disk: it.disk_gib,
        };
        Ok(ModifiedTypes { types: types.into_iter().map(size).collect::<Vec<_>>().into() })
    }
}
