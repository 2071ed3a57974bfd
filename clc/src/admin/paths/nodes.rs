//! The nodes: how each is, and what administrators say of them.
//!
//! What is said of a node is on record before it is answered, and lasts until something else is said.
//! The scheduler is told first, so that nothing is placed on a node behind the answer that it drains;
//! a clc that is killed in between reads the record when it starts again. What ends with a node that
//! is given up is ended by the reconciler of its instances, in the same way after a crash.

use std::sync::Arc;

use common::administration::configuration::{
    DescribeNodes, Fit, GiveUpNode, ModifyNode, Node, NodeModified, Nodes,
};
use common::error::{ApiError, ErrorCode};
use runtime::actor::{Answer, Handle, Scene};
use store::After;

use super::Paths;
use super::configuration::{named, state};
use crate::cluster::Member;
use crate::ec2::types;
use crate::records::{NodeRule, Records, Rule};
use crate::schedule::ledger::Room;
use crate::schedule::scheduler::Close;

/// The ids of the instances of a node that have not ended. Blocks.
fn living(records: &Records, node: &str) -> Result<Vec<String>, ApiError> {
    let mut instances = Vec::new();
    for row in records.instances_on.scan(&format!("{node}/"), After::Start, usize::MAX)? {
        let Some(it) = records.instances.get(&row.value)? else { continue };
        if it.record.lives() {
            instances.push(it.record.id.to_string());
        }
    }
    Ok(instances)
}

/// A node as it is. Blocks.
fn shown(
    records: &Records,
    member: &Member,
    reachable: bool,
    room: Option<&Room>,
) -> Result<Node, ApiError> {
    let (seen, rule) = (member.sighting(), records.node_rules.get(&member.name)?);
    let mut node = Node {
        name: member.name.clone(),
        cluster_name: member.zone.clone(),
        state: state(reachable),
        instances: living(records, &member.name)?.into(),
        address: member.url.clone(),
        problem: seen.problem.unwrap_or_default(),
        last_heard: seen.answered.map(|at| at.iso()).unwrap_or_default(),
        ..Node::default()
    };
    if let Some(rule) = rule {
        node.rule = rule.rule.name().to_owned();
        node.rule_since = rule.since.iso();
        node.rule_by = rule.record.by;
    }
    if let Some(report) = seen.report {
        node.hypervisor.clone_from(&report.hypervisor);
        node.version.clone_from(&report.software.version);
        node.architecture.clone_from(&report.software.architecture);
        node.started = report.software.started.map(|at| at.iso()).unwrap_or_default();
    }
    if let Some(room) = room {
        (node.cpus, node.free_cpus) = (room.total.cpus.into(), room.free.cpus.into());
        (node.memory, node.free_memory) = (room.total.memory_mib, room.free.memory_mib);
        (node.disk, node.free_disk) = (room.total.disk_mib, room.free.disk_mib);
        node.free_addresses = room.addresses;
        let fit = |it: types::InstanceType| Fit {
            instance_type: it.name.to_owned(),
            free: room.fits(it.demand()),
            most: room.holds(it.demand()),
        };
        node.fits = types::now(records)?.into_iter().map(fit).collect::<Vec<_>>().into();
    }
    Ok(node)
}

impl Answer<Paths> for DescribeNodes {
    async fn answer(self, scene: &Scene<Paths>) -> Result<Nodes, ApiError> {
        let members: Vec<Arc<Member>> = scene.cluster.members().cloned().collect();
        let members = named(members, &self.name, |it| &it.name)?;
        let (now, rooms) = (scene.people.now(), scene.rooms.borrow().clone());
        let show = move |records: &Records| {
            let mut nodes = Vec::new();
            for member in &members {
                let reachable = member.sighting().is_reachable(now);
                let room = rooms.iter().find(|room| room.node == member.name);
                nodes.push(shown(records, member, reachable, room)?);
            }
            Ok(nodes)
        };
        let nodes = scene.people.records.work(show).await?;
        Ok(Nodes { registered: nodes.into() })
    }
}

/// A wish about a node that can be done.
pub struct Said {
    node: String,
    rule: Option<Rule>,
}

fn member<'a>(scene: &'a Scene<Paths>, name: &str) -> Result<&'a Arc<Member>, ApiError> {
    let unknown = || ApiError::invalid("Name", format!("there is no node '{name}'"));
    scene.cluster.member(name).ok_or_else(unknown)
}

async fn known(scene: &Scene<Paths>, node: &str) -> Result<Option<Rule>, ApiError> {
    let node = node.to_owned();
    let rule =
        move |records: &Records| Ok(records.node_rules.get(&node)?.map(|seen| seen.record.rule));
    scene.people.records.work(rule).await
}

impl Handle<Paths> for ModifyNode {
    type Checked = Said;

    async fn check(self, scene: &Scene<Paths>) -> Result<Said, ApiError> {
        let member = member(scene, &self.name)?;
        let known = known(scene, &self.name).await?;
        let rule = match self.state.as_str() {
            "draining" if known == Some(Rule::GivenUp) => {
                let text = format!("The node {} was given up: enable it first", member.name);
                return Err(ApiError::new(ErrorCode::IncorrectState, text));
            }
            "draining" => Some(Rule::Draining),
            "enabled" => None,
            other => {
                let why = format!("'{other}' is neither draining nor enabled");
                return Err(ApiError::invalid("State", why));
            }
        };
        let here = member.sighting().is_reachable(scene.people.now());
        if known == Some(Rule::GivenUp) && !here {
            // Only once it answers is it known that what was on it has ended there, too.
            let text = format!("The node {} was given up and does not answer", member.name);
            return Err(ApiError::new(ErrorCode::IncorrectState, text));
        }
        Ok(Said { node: self.name, rule })
    }

    async fn act(said: Said, scene: &Scene<Paths>) -> Result<NodeModified, ApiError> {
        say(said, scene).await
    }
}

impl Handle<Paths> for GiveUpNode {
    type Checked = Said;

    async fn check(self, scene: &Scene<Paths>) -> Result<Said, ApiError> {
        let member = member(scene, &self.name)?;
        if member.sighting().is_reachable(scene.people.now()) {
            let text = format!("The node {} answers: drain it, and end its instances", member.name);
            return Err(ApiError::new(ErrorCode::IncorrectState, text));
        }
        Ok(Said { node: self.name, rule: Some(Rule::GivenUp) })
    }

    async fn act(said: Said, scene: &Scene<Paths>) -> Result<NodeModified, ApiError> {
        say(said, scene).await
    }
}

async fn say(said: Said, scene: &Scene<Paths>) -> Result<NodeModified, ApiError> {
    let Said { node, rule } = said;
    let close = |closed| scene.scheduler.send(Close { node: node.clone(), closed });
    let before = known(scene, &node).await?;
    if rule.is_some() {
        // A scheduler that is gone ends the process, and the next one reads the record.
        let _ = close(true).await;
    }
    let (name, since) = (node.clone(), scene.people.now());
    let by = format!("{}/{}", scene.caller.alias, scene.caller.user);
    let record = move |records: &Records| {
        store::transact(&*records.engine, |batch| {
            match (records.node_rules.get(&name)?, rule) {
                (Some(seen), None) => drop(batch.remove(&seen)),
                (None, None) => {}
                (Some(seen), Some(rule)) if seen.rule == rule => {}
                (Some(mut seen), Some(rule)) => {
                    (seen.record.rule, seen.record.since) = (rule, since);
                    seen.record.by.clone_from(&by);
                    batch.replace(&seen)?;
                }
                (None, Some(rule)) => {
                    let by = by.clone();
                    batch.insert(&NodeRule { node: name.clone(), rule, since, by })?;
                }
            }
            Ok::<_, ApiError>(())
        })?;
        living(records, &name)
    };
    let recorded = scene.people.records.work(record).await;
    let closed = match &recorded {
        Ok(_) => rule.is_some(),
        Err(_) => before.is_some(),
    };
    let _ = close(closed).await;
    let instances = recorded?;
    scene.people.wakers.node(&node);
    let rule = rule.map_or("", Rule::name).to_owned();
    tracing::info!(node, rule, "an administrator has said how the node is used");
    Ok(NodeModified { name: node, rule, instances: instances.into() })
}
