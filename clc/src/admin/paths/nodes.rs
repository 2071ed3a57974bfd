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
use common::time::Timestamp;
use common::wire::node::{InstanceView, MachineState};
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

/// How a node is, as far as it decides what may be said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    /// Whether it answers.
    here: bool,
    /// How many instances it has that have not ended there.
    left: usize,
}

impl Standing {
    fn of(member: &Member, now: Timestamp) -> Self {
        let seen = member.sighting();
        let there =
            |view: &&InstanceView| !matches!(view.state, MachineState::Gone | MachineState::Failed);
        let left = seen.report.as_ref().map_or(0, |it| it.instances.iter().filter(there).count());
        Self { here: seen.is_reachable(now), left }
    }

    /// Whether a rule may follow another.
    fn lets(self, node: &str, known: Option<Rule>, wanted: Option<Rule>) -> Result<(), ApiError> {
        let text = match (known, wanted) {
            (_, Some(Rule::GivenUp)) if self.here => {
                format!("The node {node} answers: drain it, and end its instances")
            }
            (Some(Rule::GivenUp), Some(Rule::Draining)) => {
                format!("The node {node} was given up: enable it first")
            }
            (Some(Rule::GivenUp), None) if !self.here => {
                format!("The node {node} was given up and does not answer")
            }
            // Their addresses and their room are promised to nobody else while they have them.
            (Some(Rule::GivenUp), None) if self.left > 0 => {
                let left = self.left;
                format!(
                    "The node {node} was given up: what it came back with is being ended ({left})"
                )
            }
            _ => return Ok(()),
        };
        Err(ApiError::new(ErrorCode::IncorrectState, text))
    }
}

impl Handle<Paths> for ModifyNode {
    type Checked = Said;

    async fn check(self, scene: &Scene<Paths>) -> Result<Said, ApiError> {
        let member = member(scene, &self.name)?;
        let rule = match self.state.as_str() {
            "draining" => Some(Rule::Draining),
            "enabled" => None,
            other => {
                let why = format!("'{other}' is neither draining nor enabled");
                return Err(ApiError::invalid("State", why));
            }
        };
        let standing = Standing::of(member, scene.people.now());
        standing.lets(&self.name, known(scene, &self.name).await?, rule)?;
        Ok(Said { node: self.name, rule })
    }

    async fn act(said: Said, scene: &Scene<Paths>) -> Result<NodeModified, ApiError> {
        say(said, scene).await
    }
}

impl Handle<Paths> for GiveUpNode {
    type Checked = Said;

    async fn check(self, scene: &Scene<Paths>) -> Result<Said, ApiError> {
        let standing = Standing::of(member(scene, &self.name)?, scene.people.now());
        standing.lets(&self.name, None, Some(Rule::GivenUp))?;
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
    let standing = Standing::of(member(scene, &node)?, since);
    let by = format!("{}/{}", scene.caller.alias, scene.caller.user);
    let record = move |records: &Records| {
        store::transact(&*records.engine, |batch| {
            let known = records.node_rules.get(&name)?;
            standing.lets(&name, known.as_ref().map(|seen| seen.rule), rule)?;
            match (known, rule) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_said_of_a_node_that_was_said_otherwise_before() {
        let (draining, given_up) = (Some(Rule::Draining), Some(Rule::GivenUp));
        let at = |here, left| Standing { here, left };
        for (standing, known, wanted, refused) in [
            (at(true, 3), None, draining, None),
            (at(false, 3), None, draining, None),
            (at(true, 3), draining, None, None),
            (at(true, 0), draining, given_up, Some("drain it")),
            (at(false, 3), draining, given_up, None),
            (at(false, 3), given_up, given_up, None),
            (at(true, 0), given_up, draining, Some("enable it first")),
            (at(false, 0), given_up, None, Some("does not answer")),
            (at(true, 1), given_up, None, Some("being ended (1)")),
            (at(true, 0), given_up, None, None),
        ] {
            let told = standing.lets("a", known, wanted).err();
            let told = told.as_ref().map(|error| error.text().to_owned());
            match (refused, told) {
                (None, None) => {}
                (Some(part), Some(text)) if text.contains(part) => {}
                (_, told) => panic!("{known:?} {wanted:?} {standing:?}: {told:?}"),
            }
        }
    }
}
