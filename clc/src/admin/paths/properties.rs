//! Properties: the settings that may be changed while the cloud runs.

use common::administration::properties::{
    DescribeProperties, Modified, ModifiedProperties, ModifyPropertyValue, ModifyPropertyValues,
    Properties, Property, ResetPropertyValue,
};
use common::error::ApiError;
use runtime::actor::{Answer, Handle, Scene};

use super::Paths;
use crate::records::Records;
use crate::settings::{self, Changed};

impl Answer<Paths> for DescribeProperties {
    async fn answer(self, scene: &Scene<Paths>) -> Result<Properties, ApiError> {
        let all = scene.people.records.work(settings::list).await?;
        let wanted = |name: &str| {
            let begins = |it: &String| {
                name.get(..it.len()).is_some_and(|start| start.eq_ignore_ascii_case(it))
            };
            self.properties.is_empty() || self.properties.iter().any(begins)
        };
        let shown = all.into_iter().filter(|it| wanted(&it.name)).map(|it| Property {
            name: it.name,
            value: it.value,
            description: it.meaning,
            default: it.default,
            unit: it.unit,
            changed: it.changed,
        });
        Ok(Properties { properties: shown.collect::<Vec<_>>().into() })
    }
}

impl Handle<Paths> for ModifyPropertyValue {
    type Checked = Self;

    async fn check(self, scene: &Scene<Paths>) -> Result<Self, ApiError> {
        scene
            .people
            .records
            .work(move |records| settings::check(records, &self.name, &self.value).map(|_| self))
            .await
    }

    async fn act(it: Self, scene: &Scene<Paths>) -> Result<Modified, ApiError> {
        let mut changed = change(scene, vec![it]).await?;
        changed.pop().map(modified).ok_or_else(|| ApiError::missing("Name"))
    }
}

/// Changes some, all of them or none.
async fn change(
    scene: &Scene<Paths>,
    wanted: Vec<ModifyPropertyValue>,
) -> Result<Vec<Changed>, ApiError> {
    let wanted: Vec<_> = wanted.into_iter().map(|it| (it.name, it.value)).collect();
    let change = move |records: &Records| settings::change_all(records, &wanted);
    let changed = scene.people.records.work(change).await?;
    scene.people.wakers.walrus.wake();
    Ok(changed)
}

fn modified(it: Changed) -> Modified {
    Modified { name: it.name, value: it.value, old_value: it.before }
}

impl Handle<Paths> for ModifyPropertyValues {
    type Checked = Self;

    async fn check(self, scene: &Scene<Paths>) -> Result<Self, ApiError> {
        if self.property.is_empty() {
            return Err(ApiError::missing("Property"));
        }
        let check = move |records: &Records| {
            for it in &self.property {
                settings::check(records, &it.name, &it.value)?;
            }
            Ok(self)
        };
        scene.people.records.work(check).await
    }

    async fn act(it: Self, scene: &Scene<Paths>) -> Result<ModifiedProperties, ApiError> {
        let changed = change(scene, it.property).await?;
        let properties: Vec<_> = changed.into_iter().map(modified).collect();
        Ok(ModifiedProperties { properties: properties.into() })
    }
}

impl Handle<Paths> for ResetPropertyValue {
    type Checked = Self;

    async fn check(self, _: &Scene<Paths>) -> Result<Self, ApiError> {
        settings::is_one(&self.name)?;
        Ok(self)
    }

    async fn act(it: Self, scene: &Scene<Paths>) -> Result<Modified, ApiError> {
        let reset = move |records: &Records| settings::reset(records, &it.name);
        let changed = scene.people.records.work(reset).await?;
        scene.people.wakers.walrus.wake();
        Ok(modified(changed))
    }
}
