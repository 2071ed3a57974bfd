//! What is answered about people: to the console and its like, and to `clc admin`. The meaning
//! stands in [`crate::people`]; here each message finds its function.

use common::error::ApiError;
use common::wire::Message;
use common::wire::admin::{
    Admin, ChangeContact, ChangeZoneGroup, CredentialFiles, DecideRegistration, Decision,
    DeleteUser, DescribeMails, DescribeRegistrations, DescribeZoneGroups, GetCredentialsZip,
    GroupChange, RegisterUser, SetPassword,
};
use common::wire::people::{
    Apply, Approve, ChangePassword, CheckPerson, Confirm, ConfirmAddress, DescribeRegistration,
    GetZip, LogIn, People as PeopleService, ProveAgain, Recover, Reject, RequestRecovery,
    SetOwnContact, SetOwnPassword,
};
use common::wire::walrus::Walrus;
use runtime::dispatcher::Dispatcher;
use runtime::peer::Peer;

use crate::people::registering::NewPerson;
use crate::people::{
    People, acting, confirming, credentials, deletion, groups, logging_in, outgoing, own_contact,
    registering, strangers,
};

/// Answers a message by a function that blocks.
pub(super) fn with<M: Message>(
    dispatcher: Dispatcher<M::Service>,
    people: &People,
    answer: impl Fn(&People, M) -> Result<M::Reply, ApiError> + Clone + Send + Sync + 'static,
) -> Dispatcher<M::Service>
where
    M::Service: common::wire::Service,
{
    let people = people.clone();
    dispatcher.with(move |ask: M| {
        let (people, answer) = (people.clone(), answer.clone());
        async move { people.work(move |people| answer(people, ask)).await }
    })
}

/// Answers those who let people in.
pub fn people(people: &People) -> Dispatcher<PeopleService> {
    let it = Dispatcher::new();
    let it = with(it, people, |people, ask: Apply| strangers::apply(people, &ask));
    let it = with(it, people, |people, ask: Approve| {
        acting::administrator(people, &ask.by)?;
        registering::approve(people, &ask.name)
    });
    let it = with(it, people, |people, ask: Reject| {
        acting::administrator(people, &ask.by)?;
        registering::reject(people, &ask.name, ask.reason.as_deref())
    });
    let it = with(it, people, |people, ask: Confirm| confirming::confirm(people, &ask));
    let it =
        with(it, people, |people, ask: RequestRecovery| strangers::request_recovery(people, &ask));
    let it = with(it, people, |people, ask: Recover| confirming::recover(people, &ask));
    let it = with(it, people, |people, ask: LogIn| logging_in::log_in(people, &ask));
    let it = with(it, people, |people, ask: CheckPerson| logging_in::check(people, &ask));
    let it = with(it, people, |people, ask: ProveAgain| logging_in::prove_again(people, &ask));
    let it =
        with(it, people, |people, ask: ChangePassword| logging_in::change_password(people, &ask));
    let it = with(it, people, |people, ask: SetOwnPassword| logging_in::set_own(people, &ask));
    let it = with(it, people, |people, ask: SetOwnContact| {
        let alias = logging_in::check(people, &ask.by)?.alias;
        acting::owner(people, &ask.by, &alias)?;
        own_contact::change(people, &alias, &ask.contact)
    });
    let it = with(it, people, |people, ask: ConfirmAddress| own_contact::confirm(people, &ask));
    let it = with(it, people, |people, ask: GetZip| {
        acting::owner(people, &ask.by, &ask.name)?;
        credentials::zip(people, &ask.name, ask.kind)
    });
    with(it, people, |people, ask: DescribeRegistration| {
        acting::beholder(people, &ask.by, &ask.name)?;
        registering::find(people, &ask.name)
    })
}

/// Adds what an administrator on the host asks about people.
pub fn administration(
    it: Dispatcher<Admin>,
    people: &People,
    walrus: &Peer<Walrus>,
) -> Dispatcher<Admin> {
    let it = with(it, people, register);
    let it = with(it, people, |people, ask: DescribeRegistrations| match ask.name {
        Some(name) => Ok(vec![registering::find(people, &name)?]),
        None => registering::list(people),
    });
    let it = with(it, people, |people, ask: DecideRegistration| match ask.decision {
        Decision::Approve => {
            let approved = registering::approve(people, &ask.name)?;
            Ok(registering::unsent(people, &approved))
        }
        Decision::Reject => {
            registering::reject(people, &ask.name, ask.reason.as_deref()).map(|()| None)
        }
        Decision::Confirm => registering::confirm(people, &ask.name).map(|_| None),
    });
    let it = with(it, people, |people, ask: ChangeContact| {
        registering::change_contact(people, &ask.name, &ask.contact).map(drop)
    });
    let it = with(it, people, |people, ask: SetPassword| {
        logging_in::set_first(people, &ask.name, &ask.password)
    });
    let it = with(it, people, |people, ask: DescribeZoneGroups| match ask.group {
        Some(group) => Ok(vec![groups::find(people, &group)?]),
        None => groups::list(people),
    });
    let it = with(it, people, |people, ask: ChangeZoneGroup| change_group(people, &ask));
    let it = with(it, people, |people, ask: GetCredentialsZip| {
        credentials::zip(people, &ask.name, ask.kind)
    });
    let it = with(it, people, |people, _: DescribeMails| outgoing::list(&people.records));
    let (people, walrus) = (people.clone(), walrus.clone());
    it.with(move |ask: DeleteUser| {
        let (people, walrus) = (people.clone(), walrus.clone());
        async move { deletion::delete(&people, &walrus, &ask.name, ask.belongings).await }
    })
}

fn register(people: &People, ask: RegisterUser) -> Result<CredentialFiles, ApiError> {
    let new = NewPerson {
        // One who has not confirmed yet fetches them afterwards.
        credentials: !ask.by_mail,
        name: ask.name,
        contact: ask.contact,
        language: ask.language,
        password: ask.password,
        by_mail: ask.by_mail,
    };
    let added = registering::add(people, &new)?;
    Ok(CredentialFiles { account: added.account, files: added.files })
}

fn change_group(people: &People, ask: &ChangeZoneGroup) -> Result<(), ApiError> {
    match &ask.change {
        GroupChange::Add => groups::add(people, &ask.group).map(drop),
        GroupChange::Delete => groups::delete(people, &ask.group),
        GroupChange::Join(user) => groups::join(people, &ask.group, user),
        GroupChange::Leave(user) => groups::leave(people, &ask.group, user),
        GroupChange::Grant(zone) => groups::grant(people, &ask.group, zone),
        GroupChange::Revoke(zone) => groups::revoke(people, &ask.group, zone),
    }
}
