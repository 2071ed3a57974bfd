//! The bundle tasks of one node: begun, followed, ended, and nothing left of those that failed.
//!
//! One reconciler a node, as for its instances, and one for the tasks of nodes that are no longer
//! configured. Which step is next is [`super::bundle_step`]'s to say; here it is taken. All that a
//! step needs is in the records, so a clc that was killed goes on where it was.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use common::error::{ApiError, ErrorCode};
use common::time::Timestamp;
use common::wire::bundling::{
    BundleSpec, CancelBundle, DropBundle, ForgetBundle, OpenBundle, Rest, StartBundle,
};
use common::wire::node::Node;
use common::wire::walrus::{CheckBundle, Walrus};
use futures_util::future::BoxFuture;
use runtime::clock::Clock;
use runtime::peer::Peer;
use runtime::reconcile::{Pass, Reconciler, Waker};
use store::After;

use super::Wakers;
use super::bundle_step::{self, Given, PATIENCE, Step, Trust, named};
use super::instances::is_final;
use crate::cluster::{Cluster, Member, Sighting};
use crate::identity::accounts;
use crate::records::{BundleTask, ImageState, Leave, Reason, Records, Stage, Wanted};

/// How long a peer may take to note a wish.
const TELLING: Duration = Duration::from_secs(30);

/// Looks after one node's bundle tasks.
pub struct Bundles {
    /// Its name in the log.
    pub name: String,
    /// The node; none: all nodes that are not among these.
    pub member: Option<Arc<Member>>,
    /// The nodes that are configured.
    pub cluster: Cluster,
    /// What lasts.
    pub records: Records,
    /// Where bundles go.
    pub walrus: Peer<Walrus>,
    /// The time.
    pub clock: Clock,
    /// When this began to look after tasks.
    pub since: Timestamp,
    /// Images that have been saved.
    pub wakers: Wakers,
    /// Asks for another pass when a step has made the next one due.
    pub waker: Waker,
}

/// A task and what is known of its instance and image.
struct Recorded {
    task: BundleTask,
    instance_over: bool,
    image_gone: bool,
}

impl Reconciler for Bundles {
    fn name(&self) -> &str {
        &self.name
    }

    fn pass(&self) -> BoxFuture<'_, Result<Pass, ApiError>> {
        Box::pin(self.look())
    }
}

impl Bundles {
    async fn look(&self) -> Result<Pass, ApiError> {
        let mut pass = Pass::default();
        // The report first: a task that it names was on record before the node heard of it.
        let seen = self.member.as_ref().map(|member| member.sighting()).unwrap_or_default();
        let recorded = self.recorded().await?;
        for it in &recorded {
            pass.looked += 1;
            let now = self.clock.now();
            let given = Given {
                now,
                reachable: self.member.is_some() && seen.is_reachable(now),
                silent: self.silent(&seen, now),
                awake: now.since(self.since),
                instance_over: it.instance_over,
                image_gone: it.image_gone,
            };
            match bundle_step::next(&it.task, seen.of_task(&it.task.id), given) {
                Step::Settled => continue,
                Step::Nothing => pass.unsettled += 1,
                step => {
                    pass.unsettled += 1;
                    pass.steps += 1;
                    self.report(&it.task, self.take(&it.task, step).await);
                }
            }
        }
        pass.steps += self.disown(&seen, &recorded).await;
        Ok(pass)
    }

    fn report(&self, task: &BundleTask, taken: Result<(), ApiError>) {
        // One task's trouble is not another's.
        if let Err(error) = taken {
            let cause = error.source_text().unwrap_or_default();
            tracing::warn!(task = %task.id, node = task.node, %error, cause, "a step for a bundle failed");
        }
    }

    /// How long the node has not answered; what it did before this began is not known. Nobody
    /// waits for one that is no longer configured.
    fn silent(&self, seen: &Sighting, now: Timestamp) -> Duration {
        match self.member {
            Some(_) => now.since(seen.answered.unwrap_or(self.since).max(self.since)),
            None => PATIENCE + Duration::from_secs(1),
        }
    }

    async fn recorded(&self) -> Result<Vec<Recorded>, ApiError> {
        let own = self.member.as_ref().map(|member| member.name.clone());
        let cluster = self.cluster.clone();
        self.records
            .work(move |records| {
                let prefix = own.as_ref().map(|name| format!("{name}/")).unwrap_or_default();
                let mut found = Vec::new();
                for row in records.bundles_on.scan(&prefix, After::Start, usize::MAX)? {
                    let Some(seen) = records.bundle_tasks.get(&row.value)? else { continue };
                    let task = seen.record;
                    if own.is_none() && cluster.member(&task.node).is_some() {
                        continue;
                    }
                    found.push(around(records, task)?);
                }
                Ok(found)
            })
            .await
    }

    /// What the node works on and nobody has on record is ended.
    async fn disown(&self, seen: &Sighting, recorded: &[Recorded]) -> u64 {
        let (Some(member), Some(report)) = (&self.member, &seen.report) else { return 0 };
        let known: BTreeSet<_> = recorded.iter().map(|it| &it.task.id).collect();
        let mut ended = 0;
        for view in report.bundles.iter().filter(|view| !known.contains(&view.task)) {
            let task = view.task.clone();
            let told = match view.state.is_over() {
                true => member.peer.call(ForgetBundle { task }).await,
                false => member.peer.call(CancelBundle { task }).await,
            };
            match told {
                Ok(()) => ended += 1,
                Err(error) => {
                    tracing::warn!(task = %view.task, %error, "an unknown bundle is not ended");
                }
            }
        }
        ended
    }

    async fn take(&self, task: &BundleTask, step: Step) -> Result<(), ApiError> {
        match step {
            Step::Settled | Step::Nothing => Ok(()),
            Step::Open => match self.open(task).await {
                Err(error) if is_final(error.code()) => {
                    self.end(task, named(error.code().wire(), error.text())).await
                }
                done => done,
            },
            Step::See(stage, percent, rest) => {
                let now = self.clock.now();
                self.change(task, move |it| {
                    if !it.is_over() {
                        (it.stage, it.percent, it.rest, it.updated) = (stage, percent, rest, now);
                    }
                })
                .await
            }
            Step::End(reason) => self.end(task, reason).await,
            Step::Cancel => {
                let wish = CancelBundle { task: task.id.clone() };
                self.patiently(self.node()?.call(wish)).await
            }
            Step::Complete(rest, trust) => self.complete(task, rest, trust).await,
            Step::Fail(reason) => self.fail(task, reason).await,
            Step::Drop => {
                let wish = DropBundle { task: task.id.clone(), place: task.place.clone() };
                self.patiently(self.walrus.call(wish)).await?;
                self.change(task, |it| it.leftovers = false).await?;
                self.waker.wake();
                Ok(())
            }
            Step::Forget => {
                let wish = ForgetBundle { task: task.id.clone() };
                self.patiently(self.node()?.call(wish)).await
            }
        }
    }

    /// Leave to store, then the node; what it may have heard is on record before it does.
    async fn open(&self, task: &BundleTask) -> Result<(), ApiError> {
        let ask = OpenBundle {
            task: task.id.clone(),
            account: task.account.clone(),
            owner: task.owner.clone(),
            place: task.place.clone(),
            acl: task.acl,
            rehearsal: false,
        };
        let given = self.clock.now();
        let ticket = self.patiently(self.walrus.call(ask)).await?;
        let (id, until) = (task.id.clone(), ticket.expires);
        let told = self.records.work(move |records| {
            let seen = records.bundle_tasks.update(id.as_str(), |it| {
                if !it.is_over() && it.end.is_none() {
                    it.told = true;
                    it.leave = Some(Leave { given, until });
                }
                Ok::<_, store::StoreError>(())
            })?;
            let goes_on = !seen.is_over() && seen.end.is_none();
            goes_on.then(|| spec(records, &seen)).transpose()
        });
        // Unless it was cancelled meanwhile.
        let Some(bundle) = told.await? else { return Ok(()) };
        let start = StartBundle { bundle, ticket };
        self.patiently(self.node()?.call(start)).await
    }

    async fn complete(
        &self,
        task: &BundleTask,
        rest: Option<Rest>,
        trust: Trust,
    ) -> Result<(), ApiError> {
        let checked = match &task.image {
            None => None,
            Some(_) => {
                let check = CheckBundle {
                    location: task.place.location(),
                    account: task.account.clone(),
                    administrator: false,
                    allow_unsigned: false,
                };
                match self.patiently(self.walrus.call(check)).await {
                    Ok(checked) => Some(checked),
                    // A manifest that its owner has removed is refused like a stranger, and so
                    // is a clc whose key is wrong: only time tells which it is.
                    Err(error)
                        if is_final(error.code())
                            || (trust == Trust::Refusal && !error.code().retryable()) =>
                    {
                        return self.fail(task, named(error.code().wire(), error.text())).await;
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        let (id, now) = (task.id.clone(), self.clock.now());
        self.records
            .work(move |records| {
                store::transact(&*records.engine, |batch| {
                    let Some(mut seen) = records.bundle_tasks.get(id.as_str())? else {
                        return Ok(());
                    };
                    if seen.is_over() || seen.end.is_some() {
                        return Ok(());
                    }
                    if let (Some(image), Some(checked)) = (&seen.image, &checked)
                        && let Some(mut image) = records.images.get(image.as_str())?
                        && image.saving.as_ref() == Some(&seen.id)
                    {
                        image.record.bundle = checked.bundle.clone();
                        image.record.size = checked.size;
                        image.record.saving = None;
                        batch.replace(&image)?;
                    }
                    let it = &mut seen.record;
                    (it.stage, it.percent, it.updated) = (Stage::Complete, 100, now);
                    it.rest = rest.or(it.rest);
                    records.end_bundle_task(batch, it);
                    batch.replace(&seen)?;
                    Ok::<_, ApiError>(())
                })?;
                Ok(())
            })
            .await?;
        tracing::info!(task = %task.id, instance = %task.instance, "the instance has been saved");
        self.wakers.images.wake();
        self.waker.wake();
        Ok(())
    }

    async fn end(&self, task: &BundleTask, reason: Reason) -> Result<(), ApiError> {
        tracing::warn!(task = %task.id, reason = reason.text, "the bundle is given up");
        let now = self.clock.now();
        self.change(task, move |it| {
            it.cancel(reason.clone(), now);
        })
        .await?;
        self.waker.wake();
        Ok(())
    }

    async fn fail(&self, task: &BundleTask, reason: Reason) -> Result<(), ApiError> {
        let (id, now) = (task.id.clone(), self.clock.now());
        let why = reason.clone();
        self.records
            .work(move |records| {
                store::transact(&*records.engine, |batch| {
                    let Some(mut seen) = records.bundle_tasks.get(id.as_str())? else {
                        return Ok(());
                    };
                    if seen.is_over() {
                        return Ok(());
                    }
                    if let Some(image) = &seen.image
                        && let Some(mut image) = records.images.get(image.as_str())?
                        && image.saving.as_ref() == Some(&seen.id)
                    {
                        image.record.saving = None;
                        if image.state == ImageState::Pending {
                            let Reason { code, text } = why.clone();
                            image.record.state =
                                ImageState::Failed { reason: text, code: Some(code) };
                        }
                        batch.replace(&image)?;
                    }
                    let it = &mut seen.record;
                    (it.stage, it.updated) = (Stage::Failed, now);
                    it.error = Some(why.clone());
                    it.leftovers = it.told;
                    records.end_bundle_task(batch, it);
                    batch.replace(&seen)?;
                    Ok::<_, ApiError>(())
                })?;
                Ok(())
            })
            .await?;
        tracing::warn!(task = %task.id, reason = reason.text, "the instance has not been saved");
        // A launch may wait for the image.
        self.wakers.all_nodes();
        self.wakers.images.wake();
        self.waker.wake();
        Ok(())
    }

    fn node(&self) -> Result<&Peer<Node>, ApiError> {
        let member = self.member.as_ref().ok_or_else(|| {
            ApiError::new(ErrorCode::Unavailable, "The node is no longer configured")
        })?;
        Ok(&member.peer)
    }

    async fn change(
        &self,
        task: &BundleTask,
        change: impl Fn(&mut BundleTask) + Send + 'static,
    ) -> Result<(), ApiError> {
        let id = task.id.clone();
        self.records
            .work(move |records| {
                records.bundle_tasks.update(id.as_str(), |it| {
                    change(it);
                    Ok::<_, store::StoreError>(())
                })?;
                Ok(())
            })
            .await
    }

    async fn patiently<T>(
        &self,
        call: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        tokio::time::timeout(TELLING, call).await.unwrap_or_else(|_| {
            Err(ApiError::new(ErrorCode::Unavailable, "The service does not answer"))
        })
    }
}

/// A task with what its next step depends on. Blocks.
fn around(records: &Records, task: BundleTask) -> Result<Recorded, ApiError> {
    let instance = records.instances.get(task.instance.as_str())?;
    let instance_over =
        instance.is_none_or(|it| it.wanted == Wanted::Terminated || !it.record.lives());
    let image_gone = match &task.image {
        None => false,
        Some(id) => records
            .images
            .get(id.as_str())?
            .is_none_or(|image| image.saving.as_ref() == Some(&task.id) && !image.is_registered()),
    };
    Ok(Recorded { task, instance_over, image_gone })
}

/// The whole wish, for the node. Blocks.
fn spec(records: &Records, task: &BundleTask) -> Result<BundleSpec, ApiError> {
    let draft = task.draft.clone();
    let own = accounts::certificates(records, task.account.as_str())?;
    Ok(BundleSpec {
        task: task.id.clone(),
        instance: task.instance.clone(),
        quiesce: task.quiesce,
        account: task.account.clone(),
        place: task.place.clone(),
        architecture: draft.architecture,
        kernel: draft.kernel,
        ramdisk: draft.ramdisk,
        mappings: draft.mappings,
        product_codes: draft.product_codes,
        ancestry: draft.ancestors.iter().map(ToString::to_string).collect(),
        cloud_certificate: accounts::cloud_certificate(records)?,
        user_certificate: own.pem.into_iter().next(),
    })
}
