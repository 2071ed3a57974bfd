//! The walk over everything that can be asked for: each action of the clc's query APIs, as the
//! running cloud lists them itself.
//!
//! A user without permission asks, and is refused by the API's own code. What the refusal names,
//! action and resource, is allowed, and nothing else; that is repeated until the request is let
//! through. What was needed is printed, line by line, with what the action then did: it was done, or
//! refused by itself, because what the request names is not there. What is needed is held against
//! docs/permissions.md. An action that nobody has said here how to ask for fails the walk.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

use e2e::raw::{Reply, Signer, Version};
use e2e::{Cloud, Shape, User};

use crate::permission_rows::{FREE, NUMBER, OPEN_ROLE, Pairs, ROWS};

/// More steps than any request has.
const MOST_STEPS: usize = 8;

/// What a refusal says is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Need {
    pub(crate) action: String,
    pub(crate) resource: String,
}

impl Need {
    /// Reads it from a refusal in the API's own code; nothing if the guard let the request pass.
    fn of(prefix: &str, reply: &Reply) -> Option<Self> {
        if reply.status == 200 {
            return None;
        }
        let refused = reply.refused();
        let told = refused.message.split_once("is not authorized to perform: ")?.1;
        // Only the guard names a resource; what has none is a rule of the action's own.
        let (action, told) = told.split_once(" on resource: ")?;
        let resource = told.rsplit_once(": ").map_or(told, |(resource, _)| resource);
        let code = if matches!(prefix, "cloudtrail" | "iam" | "sts") {
            "AccessDenied"
        } else {
            "UnauthorizedOperation"
        };
        assert_eq!((refused.status, refused.code.as_str()), (403, code), "{refused:?}");
        Some(Self { action: action.to_owned(), resource: resource.to_owned() })
    }

    fn statement(&self) -> String {
        let Self { action, resource } = self;
        format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":{}}}"#, json(resource))
    }
}

fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// A user of an account, whose one policy is what the test says.
pub(crate) struct Worker<'a> {
    cloud: &'a Cloud,
    owner: &'a User,
    name: String,
    id: String,
    secret: String,
    turn: std::cell::Cell<u32>,
}

impl<'a> Worker<'a> {
    /// Made by the owner of an account, with IAM's own actions.
    pub(crate) fn hired(cloud: &'a Cloud, owner: &'a User, name: &str) -> Self {
        let ask = |pairs: Pairs<'_>| {
            let reply = signed(cloud, owner, "iam", pairs);
            assert_eq!(reply.status, 200, "{}", reply.text());
            reply.text()
        };
        ask(&[("Action", "CreateUser"), ("UserName", name)]);
        let key = ask(&[("Action", "CreateAccessKey"), ("UserName", name)]);
        let value = |tag: &str| {
            let rest = key.split_once(&format!("<{tag}>")).unwrap().1;
            rest.split_once('<').unwrap().0.to_owned()
        };
        let (id, secret) = (value("AccessKeyId"), value("SecretAccessKey"));
        Self { cloud, owner, name: name.to_owned(), id, secret, turn: Default::default() }
    }

    /// Allows, or denies, just these statements from now on.
    pub(crate) fn allow(&self, statements: &[String]) {
        // No two changes are the same request.
        self.turn.set(self.turn.get() + 1);
        let nothing = format!(
            r#"{{"Sid":"Turn{}","Effect":"Allow","Action":"sts:GetCallerIdentity","Resource":"*"}}"#,
            self.turn.get()
        );
        let all: Vec<_> = [&nothing].into_iter().chain(statements).map(String::as_str).collect();
        let document = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, all.join(","));
        let pairs = [
            ("Action", "PutUserPolicy"),
            ("UserName", self.name.as_str()),
            ("PolicyName", "given"),
            ("PolicyDocument", &document),
        ];
        let reply = signed(self.cloud, self.owner, "iam", &pairs);
        assert_eq!(reply.status, 200, "{document}: {}", reply.text());
    }

    /// Signs a request of an API.
    pub(crate) fn ask(&self, prefix: &str, action: &str, parameters: Pairs<'_>) -> Reply {
        let own = |(name, value): &(&str, &str)| {
            ((*name).to_owned(), value.replace(NUMBER, &self.owner.account))
        };
        let own: Vec<_> = [("Action", action)].iter().chain(parameters).map(own).collect();
        let pairs: Vec<_> = own.iter().map(|(name, value)| (&**name, &**value)).collect();
        send(self.cloud, &self.signer(), prefix, &pairs)
    }

    pub(crate) fn signer(&self) -> Signer {
        let (id, secret) = (self.id.clone(), self.secret.clone());
        Signer { id, secret, version: Version::Four, at: self.cloud.clock().now(), token: None }
    }
}

/// Where an API is, and its version.
fn place(prefix: &str, action: &str) -> (&'static str, &'static str) {
    match prefix {
        "ec2" => ("/services/Eucalyptus", "2016-11-15"),
        "iam" => ("/services/Euare", "2010-05-08"),
        "cloudtrail" => ("/services/CloudTrail", "2013-11-01"),
        "sts" => ("/services/Tokens", "2011-06-15"),
        // One service with three paths.
        "eucalypt" => ("/services/Accounts", "eucalyptus"),
        other => panic!("where is {other}:{action}?"),
    }
}

fn send(cloud: &Cloud, signer: &Signer, prefix: &str, pairs: Pairs<'_>) -> Reply {
    let action = pairs.iter().find(|(name, _)| *name == "Action").unwrap().1;
    let (path, version) = place(prefix, action);
    let versioned = [("Version", version)];
    let pairs: Vec<_> = pairs.iter().chain(&versioned).copied().collect();
    signer.query_at(path, cloud.api(), &pairs)
}

/// A request of somebody who has credentials.
pub(crate) fn signed(cloud: &Cloud, user: &User, prefix: &str, pairs: Pairs<'_>) -> Reply {
    send(cloud, &Signer::of(user, Version::Four, cloud.clock().now()), prefix, pairs)
}

/// What an action did when it was allowed.
fn came(reply: &Reply) -> String {
    match reply.status {
        200 => "done".to_owned(),
        status => format!("{} {status}", reply.refused().code),
    }
}

/// Whether that is a refusal for want of a permission.
fn denied(came: &str) -> bool {
    ["AccessDenied", "UnauthorizedOperation"].iter().any(|it| came.starts_with(it))
}

/// Asks, and allows what the refusal names, until the request passes the guard; says what was needed
/// and what came.
fn walk(
    worker: &Worker<'_>,
    prefix: &str,
    action: &str,
    parameters: Pairs<'_>,
) -> (Vec<Need>, String) {
    let name = format!("{prefix}:{action}");
    let answer = |statements: &[String]| {
        worker.allow(statements);
        worker.ask(prefix, action, parameters)
    };
    let ask = |statements: &[String]| Need::of(prefix, &answer(statements));
    let first = ask(&[]).unwrap_or_else(|| panic!("{name} is allowed to everybody"));
    assert_eq!(first.action, name);
    // Whoever may do everything else, or this to something else, may not do it.
    for (what, statement) in [
        ("NotAction", format!(r#"{{"Effect":"Allow","NotAction":"{name}","Resource":"*"}}"#)),
        (
            "another resource",
            format!(
                r#"{{"Effect":"Allow","Action":"{name}","Resource":"arn:aws:ec2:nowhere:000000000000:nothing/at-all"}}"#
            ),
        ),
        (
            "Deny",
            format!(
                r#"{{"Effect":"Allow","Action":"*","Resource":"*"}},{{"Effect":"Deny","Action":"{name}","Resource":"*"}}"#
            ),
        ),
    ] {
        assert_eq!(ask(&[statement]).as_ref(), Some(&first), "{name}: {what}");
    }
    let mut needs = vec![first];
    loop {
        let statements: Vec<_> = needs.iter().map(Need::statement).collect();
        let reply = answer(&statements);
        let Some(need) = Need::of(prefix, &reply) else { return (needs, came(&reply)) };
        assert!(!needs.contains(&need), "{name}: {need:?} was allowed already");
        assert!(needs.len() < MOST_STEPS, "{name}: {needs:?}");
        needs.push(need);
    }
}

/// The same for what only administrators of the cloud are offered, who may do everything until it is
/// denied: everything else is.
fn walk_denied(
    worker: &Worker<'_>,
    prefix: &str,
    action: &str,
    parameters: Pairs<'_>,
) -> (Vec<Need>, String) {
    let name = format!("{prefix}:{action}");
    let answer = |allowed: &str| {
        let but = format!(
            r#"{{"Effect":"Deny","NotAction":["eucalypt:Administer"{allowed}],"Resource":"*"}}"#
        );
        worker.allow(&[but]);
        worker.ask(prefix, action, parameters)
    };
    let refused = Need::of(prefix, &answer(""));
    let first = refused.unwrap_or_else(|| panic!("{name} is not denied"));
    assert_eq!(first.action, name);
    let reply = answer(&format!(r#","{name}""#));
    assert_eq!(Need::of(prefix, &reply), None, "{name} is allowed");
    (vec![first], came(&reply))
}

#[test]
fn every_action_is_refused_without_permission_and_let_through_with_what_it_needs() {
    let cloud = Cloud::raise(Shape { nodes: 0, ..Shape::default() });
    let owner = cloud.add_user("taro");
    let worker = Worker::hired(&cloud, &owner, "worker");
    let administrator = cloud.administrator();
    let deputy = Worker::hired(&cloud, &administrator, "deputy");
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{{"AWS":"{}"}}}}}}"#,
        owner.account
    );
    let role = [
        ("Action", "CreateRole"),
        ("RoleName", OPEN_ROLE),
        ("AssumeRolePolicyDocument", trust.as_str()),
    ];
    assert_eq!(signed(&cloud, &owner, "iam", &role).status, 200);
    let offered: BTreeSet<_> = cloud.actions().into_iter().collect();
    let known = ROWS.iter().map(|(prefix, action, _)| (*prefix, *action));
    let known: BTreeSet<_> = known.chain(FREE.iter().copied()).collect();
    let unsaid: Vec<_> = offered.difference(&known).collect();
    assert!(unsaid.is_empty(), "nobody has said how to ask for {unsaid:?}");
    let gone: Vec<_> = known.difference(&offered).collect();
    assert!(gone.is_empty(), "these are not offered: {gone:?}");

    let (mut list, mut needed) = (String::new(), BTreeMap::new());
    for (prefix, action, parameters) in ROWS {
        let (needs, mut came) = match *prefix {
            "eucalypt" => walk_denied(&deputy, prefix, action, parameters),
            _ => walk(&worker, prefix, action, parameters),
        };
        if denied(&came) {
            // Beyond its permission it is for administrators of the cloud alone.
            let (again, then) = walk_denied(&deputy, prefix, action, parameters);
            assert_eq!(again[0].action, needs[0].action);
            came = format!("{came}; by an administrator of the cloud: {then}");
            assert!(!denied(&then), "{prefix}:{action}: {came}");
        }
        let told: Vec<_> =
            needs.iter().map(|need| format!("{} on {}", need.action, need.resource)).collect();
        list.push_str(&format!("{prefix}:{action}: {}; {came}\n", told.join(", ")));
        needed.insert((*prefix, *action), needs);
    }
    worker.allow(&[]);
    for (prefix, action) in FREE {
        let came = came(&worker.ask(prefix, action, &[]));
        assert_eq!(came, "done", "{prefix}:{action}");
        list.push_str(&format!("{prefix}:{action}: nothing; {came}\n"));
    }
    let count = needed.len() + FREE.len();
    assert_eq!(count, offered.len());
    list.push_str(&format!("{count} of {} actions\n", offered.len()));
    std::io::stderr().write_all(list.as_bytes()).unwrap();
    the_document_says_so(&needed);
}

/// The table of EC2 in docs/permissions.md names each action that is done to a resource, and which.
fn the_document_says_so(needed: &BTreeMap<(&str, &str), Vec<Need>>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/permissions.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let document: BTreeMap<&str, &str> = rows.collect();
    for ((prefix, action), needs) in needed.iter().filter(|((prefix, _), _)| *prefix == "ec2") {
        let row = document.get(action);
        for Need { action: step, resource } in needs {
            if *step != format!("{prefix}:{action}") {
                let row = row.unwrap_or_else(|| panic!("{action} is not in the document"));
                assert!(
                    row.contains(&format!("`{step}`")),
                    "{action} needs {step}, it says: {row}"
                );
                continue;
            }
            let Some(kind) = resource.split(':').nth(5).and_then(|it| it.split('/').next()) else {
                assert_eq!((resource.as_str(), row), ("*", None), "{action}");
                continue;
            };
            let row = row.unwrap_or_else(|| panic!("{action} is not in the document"));
            assert!(row.contains(kind), "{action} is done to {resource}, it says: {row}");
        }
    }
}
