//! Properties: the settings that may be changed while the cloud runs.

use common::administration::properties::{
    DescribeProperties, Modified, ModifyPropertyValue, Properties, Property,
};
use common::error::ApiError;
use runtime::actor::{Answer, Handle, Scene};

use super::Paths;
use crate::settings;

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
        let done = scene
            .people
            .records
            .work(move |records| {
                let find = || {
                    let all = settings::list(records)?;
                    let mut named =
                        all.into_iter().filter(|s| s.name.eq_ignore_ascii_case(&it.name));
                    Ok::<_, ApiError>(named.next())
                };
                let before = find()?.map(|it| it.value).unwrap_or_default();
                settings::change(records, &it.name, &it.value)?;
                let now = find()?;
                let (name, value) = now.map(|it| (it.name, it.value)).unwrap_or_default();
                Ok(Modified { name, value, old_value: before })
            })
            .await;
        scene.people.wakers.walrus.wake();
        done
    }
}
