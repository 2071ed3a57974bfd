//! DescribeInstanceStatus: how instances fare, as far as that is seen from outside.
//!
//! The system status is about the node: whether it answers. The instance status is about the
//! machine: whether its node has it. Into guests nobody looks.

use common::ec2::instances::State;
use common::ec2::status::{
    DescribeInstanceStatus, Detail, InstanceStatus, InstanceStatuses, Status,
};
use common::ec2::types::IsoTime;
use common::error::ApiError;
use common::time::Timestamp;
use runtime::actor::{Answer, Scene};

use super::filters::{Field, Filters};
use super::instances::{Instances, Trouble, state};
use super::listing::Listing;
use super::paging::{Asked, Page};
use crate::records::{Instance, SeenState};

const FILTERS: &[Field<InstanceStatus>] = &[
    ("availability-zone", |it| vec![it.availability_zone.clone()]),
    // Nothing is planned with instances, so these match none.
    ("event.code", |_| Vec::new()),
    ("event.description", |_| Vec::new()),
    ("event.instance-event-id", |_| Vec::new()),
    ("event.not-after", |_| Vec::new()),
    ("event.not-before", |_| Vec::new()),
    ("event.not-before-deadline", |_| Vec::new()),
    ("instance-state-code", |it| vec![it.instance_state.code.to_string()]),
    ("instance-state-name", |it| vec![it.instance_state.name.clone()]),
    ("instance-status.reachability", |it| reachability(&it.instance_status)),
    ("instance-status.status", |it| vec![it.instance_status.status.clone()]),
    ("system-status.reachability", |it| reachability(&it.system_status)),
    ("system-status.status", |it| vec![it.system_status.status.clone()]),
];

fn reachability(status: &Status) -> Vec<String> {
    status.details.item.iter().map(|detail| detail.status.clone()).collect()
}

impl Answer<Instances> for DescribeInstanceStatus {
    async fn answer(self, scene: &Scene<Instances>) -> Result<InstanceStatuses, ApiError> {
        let listing = Listing::new(scene, &self.instance_id)?;
        let filters = Filters::new(&self.filter, FILTERS)?;
        let all = self.include_all_instances;
        let page = Page::new(
            &("DescribeInstanceStatus", &listing, all, &self.filter),
            Asked {
                max_results: self.max_results,
                next_token: self.next_token.as_deref(),
                named_by: listing.named_by(),
            },
        )?;
        let instances = scene.state();
        let (found, next_token) = scene
            .records
            .work(move |records| {
                let asked = |it: &Instance| all || it.seen == SeenState::Running;
                let told = |(key, it): (String, Instance)| {
                    let status = asked(&it).then(|| status(&it, instances.trouble(&it)))?;
                    filters.admit(&status).then_some((key, status))
                };
                let rows = listing.rows(records, &page)?;
                page.fill(rows.filter_map(|row| row.map(told).transpose()))
            })
            .await?;
        Ok(InstanceStatuses { instance_status_set: found.into(), next_token })
    }
}

fn status(it: &Instance, trouble: Option<Trouble>) -> InstanceStatus {
    let (system, own) = match (it.seen, trouble) {
        (SeenState::Pending | SeenState::Running, Some(Trouble::Unconfigured)) => {
            (impaired(None), unknown())
        }
        (SeenState::Pending | SeenState::Running, Some(Trouble::Away(since))) => {
            (impaired(since), unknown())
        }
        (SeenState::Running, Some(Trouble::Missing(since))) => (ok(), impaired(Some(since))),
        (SeenState::Running, None) => (ok(), ok()),
        (SeenState::Pending, _) => (initializing(), initializing()),
        _ => (not_applicable(), not_applicable()),
    };
    let State { code, name } = state(it.seen);
    InstanceStatus {
        instance_id: it.id.clone(),
        availability_zone: it.zone.clone(),
        events_set: Vec::new().into(),
        instance_state: State { code, name },
        system_status: system,
        instance_status: own,
    }
}

fn found(status: &str, reachability: &str, since: Option<Timestamp>) -> Status {
    let detail = Detail {
        name: "reachability".to_owned(),
        status: reachability.to_owned(),
        impaired_since: since.map(IsoTime),
    };
    Status { status: status.to_owned(), details: vec![detail].into() }
}

fn ok() -> Status {
    found("ok", "passed", None)
}

fn impaired(since: Option<Timestamp>) -> Status {
    found("impaired", "failed", since)
}

fn unknown() -> Status {
    found("insufficient-data", "insufficient-data", None)
}

fn initializing() -> Status {
    found("initializing", "initializing", None)
}

fn not_applicable() -> Status {
    Status { status: "not-applicable".to_owned(), details: Vec::new().into() }
}
