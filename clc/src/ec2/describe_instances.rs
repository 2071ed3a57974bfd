//! DescribeInstances: instances grouped by the launch they came from.

use common::ec2::instances::{DescribeInstances, Reservations};
use common::error::ApiError;
use runtime::actor::{Answer, Scene};

use super::filters::Filters;
use super::instance_filters::{Shown, filters};
use super::instances::{Instances, reservations};
use super::listing::Listing;
use super::paging::{Asked, Page};

impl Answer<Instances> for DescribeInstances {
    async fn answer(self, scene: &Scene<Instances>) -> Result<Reservations, ApiError> {
        let asked = Listing::new(scene, &self.instance_id)?;
        let filters = Filters::tagged(&self.filter, &filters(), |it: &Shown| it.tags.clone())?;
        let page = Page::new(
            &("DescribeInstances", &asked, &self.filter),
            Asked {
                max_results: self.max_results,
                next_token: self.next_token.as_deref(),
                named_by: asked.named_by(),
            },
        )?;
        let (state, account) = (scene.state(), scene.caller.account.clone());
        let (shown, next_token) = scene
            .records
            .work(move |records| {
                let rows = asked.rows(records, &page)?.map(|row| {
                    let (key, instance) = row?;
                    let tags = records.tags_on(&account, instance.id.as_str())?;
                    Ok((key, state.show(instance, tags)))
                });
                page.fill(rows.filter(|row| row.as_ref().map_or(true, |(_, it)| filters.admit(it))))
            })
            .await?;
        Ok(Reservations { reservation_set: reservations(shown).into(), next_token })
    }
}
