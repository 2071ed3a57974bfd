//! What pages work with: the cloud's own actions, and the questions that people ask of it.
//!
//! A page touches no records of EC2, IAM or S3. It asks for actions ([`Desk::perform`]), which go past
//! the guard and into the record as those of clients do, and for what people do with their accounts
//! ([`Desk::ask`]), recorded as `console`. What the desk keeps itself is who is signed in.

use std::path::PathBuf;
use std::sync::Arc;

use common::action::{Action, Caller};
use common::error::ApiError;
use common::iam::Context;
use common::iam::directory::authority_of_user;
use common::wire::Message;
use common::wire::people::People as PeopleService;
use common::wire::walrus::Walrus;
use runtime::audit::AuditLog;
use runtime::auditor::{Auditor as _, Call};
use runtime::exchange::Exchange;
use runtime::front::{Inside, QueryApi};
use runtime::http::Head;
use runtime::peer::{Answers, Peer};
use runtime::shutdown::Shutdown;
use tokio::sync::watch;

use super::beats::Beats;
use super::commands::Deeds;
use super::pending::{Half, Pending};
use super::sessions::{self, Good};
use super::streams::Streams;
use super::viewer::Viewer;
use crate::cluster::Cluster;
use crate::history::History;
use crate::identity::directory::RecordedDirectory;
use crate::people::{People, registrar};
use crate::schedule::ledger::Room;
use crate::settings;

/// Who asks for actions, as the record has it.
const AGENT: &str = "console";

/// What is seen of the cloud in pictures.
pub struct Pictured {
    /// What was.
    pub history: History,
    /// The nodes.
    pub cluster: Cluster,
    /// What they can still take.
    pub rooms: watch::Receiver<Arc<Vec<Room>>>,
    /// Who keeps images and objects.
    pub walrus: Peer<Walrus>,
    /// The certificate that the clc shows.
    pub certificate: PathBuf,
}

/// What the console is made of.
pub struct Desk {
    /// The APIs.
    pub api: Arc<QueryApi>,
    /// Who answers people's questions, and records them.
    pub asked: Arc<dyn Answers>,
    /// People, for sessions and settings.
    pub people: People,
    /// Identity, for what a viewer may do.
    pub directory: Arc<RecordedDirectory>,
    /// The record of what is asked.
    pub log: AuditLog,
    /// Where the administrator's one-time password lies.
    pub admin_dir: PathBuf,
    /// What ends open streams.
    pub shutdown: Shutdown,
    /// Changes that no record tells of.
    pub beats: Beats,
    /// What is seen in pictures.
    pub pictured: Pictured,
    /// The way to walrus' S3.
    pub storage: Exchange,
    /// What it keeps itself.
    pub kept: Kept,
}

/// What the desk keeps itself, in memory alone.
#[derive(Default)]
pub struct Kept {
    /// Sign-ins that wait for their codes.
    pub(super) pending: Pending<Half>,
    /// Secrets of forms whose senders have to prove who they are.
    pub(super) held: Pending<Vec<(String, String)>>,
    /// Under which digests sessions go on whose ids were renewed lately.
    pub(super) renewed: Pending<String>,
    /// What was done lately, to be told in lines of clients.
    pub(super) done: Deeds,
    /// Open streams.
    pub(super) streams: Streams,
}

impl Desk {
    /// How many parts of pages are being followed.
    pub fn streams(&self) -> usize {
        self.kept.streams.followed.count()
    }

    /// Asks what people ask about their accounts; it is recorded.
    ///
    /// # Errors
    /// Whatever the question is refused with.
    pub(super) async fn ask<M>(&self, message: M) -> Result<M::Reply, ApiError>
    where
        M: Message<Service = PeopleService>,
    {
        let broken = |error| ApiError::internal("The question could not be asked", error);
        let json = serde_json::to_vec(&message).map_err(broken)?;
        let reply = self.asked.answer(M::NAME, &json).await?;
        serde_json::from_slice(&reply).map_err(broken)
    }

    /// Does an action on behalf of somebody; it is recorded, but for a question that is asked `again`
    /// to keep a page up to date.
    ///
    /// # Errors
    /// Whatever the action is refused with.
    pub(super) async fn perform<A: Action>(
        &self,
        head: &Head,
        caller: &Caller,
        again: bool,
        action: A,
    ) -> Result<A::Output, ApiError> {
        let inside = Inside { head, caller: caller.clone(), agent: AGENT, again };
        self.api.perform(inside, action).await
    }

    /// Finds out whether an action could be done on behalf of somebody; it is recorded.
    ///
    /// # Errors
    /// Whatever the action would be refused with.
    pub(super) async fn rehearse<A: Action>(
        &self,
        head: &Head,
        caller: &Caller,
        action: A,
    ) -> Result<(), ApiError> {
        let inside = Inside { head, caller: caller.clone(), agent: AGENT, again: false };
        self.api.rehearse(inside, action).await
    }

    /// Records something that somebody did at the console and nowhere else.
    ///
    /// # Errors
    /// If it cannot be recorded.
    pub(super) async fn note(
        &self,
        head: &Head,
        caller: &Caller,
        action: &str,
        said: &[(&str, &str)],
    ) -> Result<(), ApiError> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let (action, caller) = (action.to_owned(), Some(caller.clone()));
        let mut call = Call { service: AGENT, action, caller, ..Call::default() };
        call.says(&said.iter().map(own).collect::<Vec<_>>());
        self.log.keep(call.event(head, None, self.people.now())).await
    }

    /// Whoever has the session of this id, if it is good, as a request of theirs finds them.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) async fn viewer(&self, id: &str, head: &Head) -> Result<Option<Viewer>, ApiError> {
        let (id, directory) = (id.to_owned(), Arc::clone(&self.directory));
        let request = head.context(self.people.now());
        self.people
            .work(move |people| {
                let Some(good) = sessions::find(people, &id)? else { return Ok(None) };
                viewer(people, &directory, good, &request)
            })
            .await
    }

    /// The same person at a later moment, if they may go on.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) async fn still(
        &self,
        viewer: &Viewer,
        head: &Head,
    ) -> Result<Option<Viewer>, ApiError> {
        let (session, directory) = (viewer.session.clone(), Arc::clone(&self.directory));
        let request = head.context(self.people.now());
        self.people
            .work(move |people| {
                let known = people.records.console_sessions.get(&session.digest)?;
                let Some(session) = known.map(|seen| seen.record) else { return Ok(None) };
                let Some(person) = sessions::check(people, &session)? else { return Ok(None) };
                self::viewer(people, &directory, Good { session, person }, &request)
            })
            .await
    }

    /// The same person at a later moment, if they may go on, with something of theirs that is on its way:
    /// that is a use of their session, under whatever id it goes on.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) async fn goes_on(
        &self,
        viewer: &Viewer,
        head: &Head,
    ) -> Result<Option<Viewer>, ApiError> {
        let (directory, now) = (Arc::clone(&self.directory), self.people.now());
        let before = viewer.session.digest.clone();
        let digest = self.kept.renewed.get(&before, now).unwrap_or(before);
        let request = head.context(now);
        self.people
            .work(move |people| {
                let Some(good) = sessions::used(people, &digest)? else { return Ok(None) };
                self::viewer(people, &directory, good, &request)
            })
            .await
    }
}

fn viewer(
    people: &People,
    directory: &RecordedDirectory,
    good: Good,
    request: &Context,
) -> Result<Option<Viewer>, ApiError> {
    let Good { session, person } = good;
    let Some(authority) = authority_of_user(directory, &person.account, &person.user)? else {
        return Ok(None);
    };
    let factor = session.second_factor.to_string();
    let own = Context::new().with("aws:multifactorauthpresent", factor);
    let (account, alias, user) = (person.account, person.alias, person.user);
    let authority = authority.within(&own);
    let caller = Caller { account, alias, user, administrator: false, authority }.within(request);
    // Whoever has the first password has to configure the cloud before anything else.
    let first_time = caller.administrator
        && session.must_change
        && settings::on_record(&people.records, settings::FIRST_TIME)?.as_deref()
            == Some(settings::FIRST_TIME_WAITS);
    let waiting = if caller.administrator { registrar::waiting(&people.records)? } else { 0 };
    Ok(Some(Viewer { caller, session, first_time, waiting }))
}
