//! What is answered to an administrator who is signed in: the same as on the host, once it is known
//! that they are one and may do it.

use common::error::ApiError;
use common::wire::Message;
use common::wire::people::{CheckPerson, People as PeopleService};
use common::wire::quota::{ChangeQuota, ListQuotas, NamedQuota, Whose};
use common::wire::registrar::{
    AddPerson, ChangeLimits, ChangePerson, ConfirmPerson, DescribeLimits, DescribePerson,
    EndSessions, ListLimits, ListPeople, PersonView, ResetSecondFactor, SetFirstPassword,
    VerifyLogs,
};
use common::wire::walrus::Walrus;
use runtime::dispatcher::Dispatcher;
use runtime::peer::Peer;

use super::people::with;
use super::quotas;
use crate::audit::Trail;
use crate::people::registering::NewPerson;
use crate::people::{People, acting, logging_in, registering, registrar};

/// What policies call reading what is known of users.
const READ: &str = "eucalypt:DescribeUsers";
/// What they call adding users.
const ADD: &str = "eucalypt:AddUser";
/// What they call changing how much users may have, and reading what they do.
const CONFIGURE: &str = "eucalypt:ModifyPropertyValue";

/// Tells an administrator all that is known of an account. Blocks.
///
/// # Errors
/// `AccessDenied` to whoever may not; `InvalidParameterValue` if there is no such user.
pub fn describe(people: &People, by: &CheckPerson, name: &str) -> Result<PersonView, ApiError> {
    acting::permitted(people, by, READ, name)?;
    registrar::describe(people, name)
}

/// Adds what an administrator asks about people.
pub fn people(it: Dispatcher<PeopleService>, people: &People) -> Dispatcher<PeopleService> {
    let it = with(it, people, |people, ask: ListPeople| {
        acting::permitted(people, &ask.by, READ, "")?;
        registrar::list(people, &ask)
    });
    let it = with(it, people, |people, ask: DescribePerson| describe(people, &ask.by, &ask.name));
    let it = with(it, people, |people, ask: AddPerson| {
        acting::permitted(people, &ask.by, ADD, &ask.name)?;
        let new = NewPerson {
            name: ask.name,
            contact: ask.contact,
            language: ask.language,
            password: ask.password,
            by_mail: ask.by_mail,
            credentials: false,
        };
        registering::add(people, &new).map(|added| added.account)
    });
    let it = with(it, people, |people, ask: ConfirmPerson| {
        acting::administrator(people, &ask.by)?;
        registering::confirm(people, &ask.name)
    });
    let it = with(it, people, |people, ask: ChangePerson| {
        acting::helper(people, &ask.by, &ask.name)?;
        registering::change_contact(people, &ask.name, &ask.contact)
    });
    let it = with(it, people, |people, ask: SetFirstPassword| {
        acting::helper(people, &ask.by, &ask.name)?;
        logging_in::set_first(people, &ask.name, &ask.password)
    });
    let it = with(it, people, |people, ask: ResetSecondFactor| {
        acting::helper(people, &ask.by, &ask.name)?;
        registrar::reset_second_factor(people, &ask.name)
    });
    with(it, people, |people, ask: EndSessions| {
        acting::helper(people, &ask.by, &ask.name)?;
        registrar::end_sessions(people, &ask.name)
    })
}

/// Answers a message that takes walrus, or the log, once it is known who asks.
fn after<M, F>(
    dispatcher: Dispatcher<PeopleService>,
    people: &People,
    by: fn(&M) -> &CheckPerson,
    answer: impl Fn(People, M) -> F + Clone + Send + Sync + 'static,
) -> Dispatcher<PeopleService>
where
    M: Message<Service = PeopleService>,
    F: Future<Output = Result<M::Reply, ApiError>> + Send,
{
    let people = people.clone();
    dispatcher.with(move |ask: M| {
        let (people, answer, by) = (people.clone(), answer.clone(), by(&ask).clone());
        async move {
            people
                .work(move |people| acting::permitted(people, &by, CONFIGURE, "").map(drop))
                .await?;
            answer(people, ask).await
        }
    })
}

/// Adds what an administrator asks about quotas of S3, which walrus keeps, and about the log.
pub fn beside(
    it: Dispatcher<PeopleService>,
    people: &People,
    walrus: &Peer<Walrus>,
    trail: &Trail,
) -> Dispatcher<PeopleService> {
    let (list, change, tell) = (walrus.clone(), walrus.clone(), walrus.clone());
    let it = after(
        it,
        people,
        |ask: &ListLimits| &ask.by,
        move |people, ask| {
            let walrus = list.clone();
            async move { quotas::list(&people.records, &walrus, ListQuotas { after: ask.after }).await }
        },
    );
    let it = after(
        it,
        people,
        |ask: &ChangeLimits| &ask.by,
        move |people, ask| {
            let walrus = change.clone();
            let ChangeLimits { whose, bytes, objects, buckets, .. } = ask;
            let ask = ChangeQuota { whose, bytes, objects, buckets };
            async move { quotas::change(&people.records, &walrus, ask).await }
        },
    );
    let it = after(
        it,
        people,
        |ask: &DescribeLimits| &ask.by,
        move |people, ask| {
            let walrus = tell.clone();
            async move { told(&people, &walrus, ask.whose).await }
        },
    );
    let trail = trail.clone();
    after(
        it,
        people,
        |ask: &VerifyLogs| &ask.by,
        move |_, _| {
            let trail = trail.clone();
            async move { trail.verify().await }
        },
    )
}

/// The limits of an account or a bucket: walrus tells them when nothing is to be another.
async fn told(
    people: &People,
    walrus: &Peer<Walrus>,
    whose: Whose,
) -> Result<NamedQuota, ApiError> {
    let ask = ChangeQuota { whose, bytes: None, objects: None, buckets: None };
    quotas::change(&people.records, walrus, ask).await
}
