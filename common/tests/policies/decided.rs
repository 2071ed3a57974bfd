//! Who may do what, case by case: `tests/data/decisions`, whose README says how it is written.

use std::path::Path;
use std::sync::Arc;

use common::iam::policy::{
    Attached, Decision, Policies, Policy, PolicyKind, Question, Source, Verdict, evaluate,
    evaluate_assuming, limit, trusts_service,
};
use common::iam::{Context, Principal, PrincipalKind};
use common::id::AccountId;

/// How many cases there are at least.
const CASES: usize = 300;

/// One block of a file: policies, and who asks.
struct Block {
    title: String,
    identity: Vec<Attached>,
    boundary: Option<Attached>,
    session: Vec<Attached>,
    resource: Option<Attached>,
    assuming: bool,
    who: String,
    from: AccountId,
    owner: Option<AccountId>,
    known: Context,
    last: Option<Decision>,
}

fn account(text: &str) -> AccountId {
    text.parse().expect("an account")
}

fn attached(source: &str, version: &str, statements: &str) -> Attached {
    let text = format!(r#"{{"Version":"{version}","Statement":[{statements}]}}"#);
    let kind = match source {
        "resource" => PolicyKind::Resource,
        "trust" => PolicyKind::Trust,
        _ => PolicyKind::Identity,
    };
    let policy = Policy::parse(&text, kind).unwrap_or_else(|error| panic!("{text}: {error}"));
    let name = source.to_owned();
    let source = match source {
        "group" => Source::Group("g".to_owned()),
        "session" => Source::Session,
        "resource" | "trust" => Source::Resource,
        _ => Source::User("taro".to_owned()),
    };
    Attached { name, source, policy: Arc::new(policy) }
}

/// `KEY=VALUE ; …` added to what is known.
fn context(known: &Context, text: &str) -> Context {
    let mut context = known.clone();
    for pair in text.split(';').map(str::trim).filter(|pair| !pair.is_empty()) {
        context = match pair.split_once('=') {
            Some((key, value)) => context.with(key, value),
            None => context.with_all(pair, []),
        };
    }
    context
}

impl Block {
    fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            identity: Vec::new(),
            boundary: None,
            session: Vec::new(),
            resource: None,
            assuming: false,
            who: "user".to_owned(),
            from: account("111122223333"),
            owner: None,
            known: Context::new(),
            last: None,
        }
    }

    fn principal(&self) -> Principal {
        let (kind, name, id, session) = match self.who.as_str() {
            "owner" => (PrincipalKind::Owner, "admin", "AIDAADMIN", None),
            "role" => (PrincipalKind::Role, "ops", "AROAOPS", Some("s1")),
            _ => (PrincipalKind::User, "taro", "AIDATARO", None),
        };
        Principal {
            account: self.from.clone(),
            kind,
            name: name.to_owned(),
            path: "/".to_owned(),
            id: id.to_owned(),
            session: session.map(str::to_owned),
        }
    }

    fn decide(&self, action: &str, resource: &str, further: &str) -> Decision {
        let context = context(&self.known, further);
        if let (Some(service), Some(trust)) = (self.who.strip_prefix("service "), &self.resource) {
            let trusted = trusts_service(&trust.policy, service, &context);
            let verdict = if trusted { Verdict::Allowed } else { Verdict::ImplicitDeny };
            return Decision {
                verdict,
                matched: Vec::new(),
                missing: Vec::new(),
                within_boundary: None,
                steps: 0,
            };
        }
        let principal = self.principal();
        let context = context.and(&principal.context());
        let question = Question { principal: &principal, action, resource, context: &context };
        let policies = Policies {
            identity: &self.identity,
            boundary: self.boundary.as_ref(),
            session: &self.session,
            resource: self.resource.as_ref(),
            owner: self.owner.as_ref(),
        };
        match self.assuming {
            true => evaluate_assuming(&policies, &question),
            false => evaluate(&policies, &question),
        }
    }

    fn limit(&self, key: &str, action: &str, resource: &str, further: &str) -> Option<u64> {
        let principal = self.principal();
        let context = context(&self.known, further).and(&principal.context());
        let question = Question { principal: &principal, action, resource, context: &context };
        limit(&self.identity, &question, key)
    }

    /// Heeds a line; whether it was a case.
    fn heed(&mut self, line: &str) -> bool {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let version = if word.ends_with("-2008") { "2008-10-17" } else { "2012-10-17" };
        let kind = word.trim_end_matches("-2008");
        let mut words = rest.splitn(3, ' ').map(str::trim);
        let mut next = || words.next().unwrap_or_default();
        match kind {
            "identity" | "group" => {
                let role = self.who == "role";
                let mut policy = attached(kind, version, rest);
                if kind == "identity" {
                    policy.name = if role { "role" } else { "user" }.to_owned();
                }
                self.identity.push(policy);
            }
            "boundary" => self.boundary = Some(attached(kind, version, rest)),
            "session" => self.session.push(attached(kind, version, rest)),
            "resource" | "trust" => {
                self.assuming = kind == "trust";
                let name = "resource".to_owned();
                self.resource = Some(Attached { name, ..attached(kind, version, rest) });
            }
            "as" => self.who = rest.to_owned(),
            "from" => self.from = account(rest),
            "of" => self.owner = Some(account(rest)),
            "known" => self.known = context(&self.known, rest),
            "allow" | "deny" | "none" => {
                let decision = self.decide(next(), next(), next());
                let expected = match word {
                    "allow" => Verdict::Allowed,
                    "deny" => Verdict::ExplicitDeny,
                    _ => Verdict::ImplicitDeny,
                };
                let title = &self.title;
                assert_eq!(decision.verdict, expected, "{title}: {line}\n{decision:?}");
                self.last = Some(decision);
                return true;
            }
            "limit" => {
                let mut words = rest.splitn(5, ' ').map(str::trim);
                let mut next = || words.next().unwrap_or_default();
                let (most, key) = (next().parse().ok(), next());
                let found = self.limit(key, next(), next(), next());
                assert_eq!(found, most, "{}: {line}", self.title);
                return true;
            }
            "matched" | "missing" => {
                let last = self.last.as_ref().expect("a case before");
                let matched =
                    |it: &common::iam::policy::Matched| format!("{}/{}", it.policy, it.statement);
                let found: Vec<String> = match word {
                    "matched" => last.matched.iter().map(matched).collect(),
                    _ => last.missing.clone(),
                };
                assert_eq!(found.join(" "), rest, "{}: {line}", self.title);
            }
            _ => panic!("{}: {line} is no line", self.title),
        }
        false
    }
}

#[test]
fn what_is_published_is_decided_so() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/decisions");
    let mut cases = 0;
    for entry in std::fs::read_dir(&folder).expect("the cases are part of the source") {
        let path = entry.expect("a readable folder").path();
        if path.extension().is_none_or(|ending| ending != "txt") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("readable cases");
        let mut block = Block::new("");
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match line.strip_prefix("= ") {
                Some(title) => block = Block::new(title),
                None => cases += usize::from(block.heed(line)),
            }
        }
    }
    assert!(cases >= CASES, "only {cases} cases");
}
