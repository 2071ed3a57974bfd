//! The instances of one node: made to run, made to end, seen as they are.
//!
//! One reconciler a node, so that a node that hangs holds up nobody else. Which step is next is
//! [`super::step`]'s to say; here it is taken.

use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use common::error::{ApiError, ErrorCode};
use common::time::Timestamp;
use common::wire::node::{Adjust, InstanceView, MachineState, SetMetadataOptions, Terminate};
use common::wire::role::{InstanceRole, SetInstanceRole};
use futures_util::future::BoxFuture;
use runtime::clock::Clock;
use runtime::reconcile::{Pass, Reconciler, Waker};
use store::{After, StoreError};

use super::launch::{self, Ready};
use super::plain::PlainImages;
use super::roles::{self, Plan};
use super::step::{self, Given, Step};
use crate::cluster::Member;
use crate::records::{Instance, Reason, Records, Rule, SeenState, Wanted};
use crate::schedule::scheduler::{Park, Release, Scheduler};
use common::wire::spec::ImageRef;

/// How long a node may take to note a wish.
const TELLING: Duration = Duration::from_secs(30);

/// Looks after one node's instances.
pub struct Instances {
    /// Its name in the log.
    pub name: String,
    /// The node.
    pub member: Arc<Member>,
    /// What lasts.
    pub records: Records,
    /// Plain images.
    pub plain: PlainImages,
    /// Seats to give back.
    pub scheduler: Addr<Scheduler>,
    /// The time.
    pub clock: Clock,
    /// The region's name, for the guests.
    pub region: String,
    /// How long a launch may be pending before it is given up.
    pub patience: Duration,
    /// When this began to look after instances.
    pub since: Timestamp,
    /// Asks for another pass when a step has made the next one due.
    pub waker: Waker,
}

impl Reconciler for Instances {
    fn name(&self) -> &str {
        &self.name
    }

    fn pass(&self) -> BoxFuture<'_, Result<Pass, ApiError>> {
        Box::pin(self.look())
    }
}

impl Instances {
    async fn look(&self) -> Result<Pass, ApiError> {
        let mut pass = Pass::default();
        let (recorded, given_up) = self.recorded().await?;
        for instance in recorded {
            pass.looked += 1;
            let now = self.clock.now();
            let seen = self.member.sighting();
            let given = Given {
                now,
                reachable: seen.is_reachable(now),
                patience: self.patience,
                since: self.since,
                given_up,
            };
            let view = seen.of(&instance.id);
            let step = match step::next(&instance, view, given) {
                // Only when nothing else is to be done; and nothing is said of one that is away.
                step @ (Step::Settled | Step::Nothing) if given.reachable => {
                    match self.role(&instance, view, now).await {
                        Ok(Some(role)) => Step::SetRole(Box::new(role)),
                        Ok(None) => step,
                        Err(error) => {
                            let cause = error.source_text().unwrap_or_default();
                            tracing::warn!(instance = %instance.id, %error, cause, "no role");
                            step
                        }
                    }
                }
                step => step,
            };
            match step {
                Step::Settled => continue,
                Step::Nothing => pass.unsettled += 1,
                step => {
                    pass.unsettled += 1;
                    pass.steps += 1;
                    // One instance's trouble is not another's.
                    if let Err(error) = self.take(&instance, step).await {
                        let cause = error.source_text().unwrap_or_default();
                        tracing::warn!(
                            instance = %instance.id, node = self.member.name, %error, cause,
                            "a step for an instance failed"
                        );
                    }
                }
            }
        }
        Ok(pass)
    }

    /// What an instance's guest is to be told of its role, if that is news to its node.
    async fn role(
        &self,
        instance: &Instance,
        view: Option<&InstanceView>,
        now: Timestamp,
    ) -> Result<Option<InstanceRole>, ApiError> {
        let over =
            |view: &&InstanceView| matches!(view.state, MachineState::Gone | MachineState::Failed);
        let ends = instance.wanted == Wanted::Terminated || !roles::concerns(instance);
        let Some(view) = view.filter(|view| !ends && !over(view)) else { return Ok(None) };
        let (instance, view) = (instance.clone(), view.clone());
        let role = self.records.work(move |records| {
            let plan = Plan::of(records, &instance)?;
            match plan.is_news(&view, now) {
                true => plan.deliver(records, &instance, now).map(Some),
                false => Ok(None),
            }
        });
        role.await
    }

    /// The instances on record there, and whether the node was given up.
    async fn recorded(&self) -> Result<(Vec<Instance>, bool), ApiError> {
        let name = self.member.name.clone();
        let prefix = format!("{name}/");
        self.records
            .work(move |records| {
                let rule = records.node_rules.get(&name)?;
                let given_up = rule.is_some_and(|rule| rule.rule == Rule::GivenUp);
                let mut found = Vec::new();
                for row in records.instances_on.scan(&prefix, After::Start, usize::MAX)? {
                    found.extend(records.instances.get(&row.value)?.map(|seen| seen.record));
                }
                Ok((found, given_up))
            })
            .await
    }

    async fn take(&self, instance: &Instance, step: Step) -> Result<(), ApiError> {
        match step {
            Step::Nothing | Step::Settled => Ok(()),
            Step::Launch => {
                let launched = self.launch(instance).await;
                if let Err(error) = &launched {
                    let reason = Reason::new("Server.InternalError", error.text());
                    self.note(instance, Some(reason)).await?;
                }
                launched
            }
            Step::Adjust => {
                let wish = Adjust {
                    instance: instance.id.clone(),
                    generation: instance.generation,
                    power: instance.power(),
                };
                self.patiently(self.member.peer.call(wish)).await
            }
            Step::Note(reason) => self.note(instance, reason).await,
            Step::See(state) => {
                let now = self.clock.now();
                self.change(instance, move |it| {
                    // What is wanted gone is not seen running again.
                    if it.wanted == Wanted::Running && it.lives() {
                        it.see(state, now);
                        it.ran |= state == SeenState::Running;
                        it.reason = None;
                    }
                })
                .await
            }
            Step::Stopped => {
                self.park(instance).await;
                let now = self.clock.now();
                self.change(instance, move |it| {
                    if it.wanted == Wanted::Stopped && it.seen == SeenState::Stopping {
                        it.see(SeenState::Stopped, now);
                    }
                })
                .await
            }
            Step::Rest(generation, reason) => {
                self.park(instance).await;
                let now = self.clock.now();
                tracing::info!(instance = %instance.id, reason = reason.text, "it went off by itself");
                self.change(instance, move |it| {
                    // Unless its owner has wished for something since.
                    if it.wanted == Wanted::Running && it.generation == generation {
                        it.wanted = Wanted::Stopped;
                        it.reason = Some(reason.clone());
                        it.transition = Some(reason.code.clone());
                        it.ran = true;
                        it.see(SeenState::Stopped, now);
                    }
                })
                .await
            }
            Step::GiveUp(reason) => self.give_up(instance, reason).await,
            Step::Miss(since) => self.change(instance, move |it| it.missing_since = since).await,
            Step::SetOptions => {
                let (instance, options) = (instance.id.clone(), instance.options);
                let wish = SetMetadataOptions { instance, options };
                self.patiently(self.member.peer.call(wish)).await
            }
            Step::SetRole(role) => {
                let wish = SetInstanceRole { instance: instance.id.clone(), role: *role };
                self.patiently(self.member.peer.call(wish)).await
            }
            Step::Terminate => self.terminate(instance).await,
            Step::TerminateUnknown => {
                self.terminate(instance).await?;
                let seen = self.member.look(self.clock.now()).await?;
                if seen.of(&instance.id).is_none() {
                    let reason = instance.reason.clone().unwrap_or_else(Reason::by_user);
                    self.finish(instance, reason).await?;
                }
                Ok(())
            }
            Step::Finish(reason) => self.finish(instance, reason).await,
        }
    }

    async fn launch(&self, instance: &Instance) -> Result<(), ApiError> {
        let (region, now) = (&self.region, self.clock.now());
        let ready = launch::prepare(&self.records, &self.plain, region, instance, now).await?;
        let run = match ready {
            Ready::Go(run) => *run,
            Ready::Wait(why) => {
                let reason = why.map(|why| Reason::new("Server.InternalError", why));
                return self.note(instance, reason).await;
            }
            Ready::Never(reason) if is_new(instance) => {
                return self.give_up(instance, reason).await;
            }
            // It ran, and its disk may be the only copy of something: nothing but its owner ends it.
            Ready::Never(reason) => {
                tracing::warn!(instance = %instance.id, reason = reason.text, "no new tickets");
                return self.note(instance, Some(reason)).await;
            }
        };
        let images = run.spec.images();
        if !instance.told || instance.images != images {
            // On record before the node hears of it; and not at all if it was ended meanwhile.
            let told = self.tell(instance, images).await?;
            if !told {
                return Ok(());
            }
        }
        match self.patiently(self.member.peer.call(run)).await {
            Ok(()) => Ok(()),
            Err(error) if is_final(error.code()) && is_new(instance) => {
                let text = format!("The node {} refuses it: {}", self.member.name, error.text());
                self.give_up(instance, Reason::new("Server.InternalError", text)).await
            }
            Err(error) => Err(error),
        }
    }

    async fn tell(&self, instance: &Instance, images: Vec<ImageRef>) -> Result<bool, ApiError> {
        let id = instance.id.clone();
        self.records
            .work(move |records| {
                let seen = records.instances.update(id.as_str(), |it| {
                    it.told |= it.wanted == Wanted::Running;
                    it.images.clone_from(&images);
                    Ok::<_, StoreError>(())
                })?;
                Ok(seen.told && seen.wanted == Wanted::Running)
            })
            .await
    }

    /// Writes down what holds an instance up, if that is news.
    async fn note(&self, instance: &Instance, reason: Option<Reason>) -> Result<(), ApiError> {
        if instance.reason == reason {
            return Ok(());
        }
        self.change(instance, move |it| {
            if it.wanted == Wanted::Running {
                it.reason.clone_from(&reason);
            }
        })
        .await
    }

    /// Gives back what a machine that is off does not need. Before it is on record as stopped:
    /// nobody can start it until then, so nobody's seat is made smaller under a start.
    async fn park(&self, instance: &Instance) {
        // A scheduler that is gone ends the process, and the next one reads the record.
        let _ = self.scheduler.send(Park(vec![instance.id.clone()])).await;
    }

    async fn terminate(&self, instance: &Instance) -> Result<(), ApiError> {
        let wish = Terminate { instance: instance.id.clone() };
        self.patiently(self.member.peer.call(wish)).await
    }

    async fn patiently<T>(
        &self,
        call: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        tokio::time::timeout(TELLING, call).await.unwrap_or_else(|_| {
            let text = format!("The node {} does not answer", self.member.name);
            Err(ApiError::new(ErrorCode::Unavailable, text))
        })
    }

    async fn change(
        &self,
        instance: &Instance,
        change: impl Fn(&mut Instance) + Send + 'static,
    ) -> Result<(), ApiError> {
        let id = instance.id.clone();
        self.records
            .work(move |records| {
                records.instances.update(id.as_str(), |it| {
                    change(it);
                    Ok::<_, StoreError>(())
                })?;
                Ok(())
            })
            .await
    }

    /// It cannot be run: from now on it is wanted gone, and what the node has of it is ended.
    async fn give_up(&self, instance: &Instance, reason: Reason) -> Result<(), ApiError> {
        tracing::warn!(instance = %instance.id, reason = reason.text, "the instance cannot be run");
        let now = self.clock.now();
        self.change(instance, move |it| {
            it.end(reason.clone(), now);
        })
        .await?;
        if instance.told {
            self.waker.wake();
            return Ok(());
        }
        // The node may have heard of it in this very step; then the next pass ends it there.
        let id = instance.id.clone();
        let now_on_record = self
            .records
            .work(move |records| Ok(records.instances.get(id.as_str())?.map(|seen| seen.record)))
            .await?;
        match now_on_record {
            Some(it) if !it.told => {
                let reason = it.reason.clone().unwrap_or_else(Reason::by_user);
                self.finish(&it, reason).await
            }
            _ => {
                self.waker.wake();
                Ok(())
            }
        }
    }

    async fn finish(&self, instance: &Instance, reason: Reason) -> Result<(), ApiError> {
        let now = self.clock.now();
        self.change(instance, move |it| {
            it.end(reason.clone(), now);
            it.see(SeenState::Terminated, now);
        })
        .await?;
        tracing::info!(instance = %instance.id, node = self.member.name, "the instance has ended");
        // A scheduler that is gone ends the process, and the next one reads the record.
        let _ = self.scheduler.send(Release(vec![instance.id.clone()])).await;
        Ok(())
    }
}

/// Whether there is nothing of an instance yet that could be lost.
fn is_new(instance: &Instance) -> bool {
    instance.seen == SeenState::Pending && !instance.ran
}

/// Whether a node's refusal is about the wish itself, so that asking again is in vain. What
/// concerns the way between the hosts (keys, clocks) is set right by an administrator.
pub(super) fn is_final(code: ErrorCode) -> bool {
    let about_the_way = matches!(
        code,
        ErrorCode::AuthFailure
            | ErrorCode::RequestExpired
            | ErrorCode::MissingAuthenticationToken
            | ErrorCode::InvalidAction
    );
    !code.retryable() && !about_the_way
}
