//! `Principal` and `NotPrincipal`: whom a policy on a role or a resource speaks of.
//!
//! How somebody is named decides what the policy gives: a user, role or session that is named itself
//! is given it directly, an account only lets its owner hand it on by policies of the account's own.

use super::resource::ArnName;
use crate::iam::principal::{Principal, PrincipalKind};

/// Those that a statement names.
#[derive(Debug, Default)]
pub(super) struct Whom {
    /// Whether it speaks of all others.
    pub(super) negated: bool,
    everyone: bool,
    accounts: Vec<String>,
    arns: Vec<String>,
    /// Unique ids: of users and roles, and of sessions `ROLE:SESSION`.
    ids: Vec<String>,
    services: Vec<String>,
}

/// How somebody is named, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Named {
    Account,
    Everyone,
    Role,
    User,
    Session,
}

/// Who asks.
#[derive(Debug)]
pub(super) enum Asker<'a> {
    Principal {
        account: &'a str,
        kind: PrincipalKind,
        /// Of the user or role.
        own: String,
        /// The unique id of the user or role.
        id: &'a str,
        /// The same with the session's name, if a role was taken on.
        of_session: String,
        /// Of the session in which a role was taken on.
        session: Option<String>,
        /// Whether a permissions boundary bounds them.
        bounded: bool,
    },
    Service(&'a str),
}

impl<'a> Asker<'a> {
    pub(super) fn of(principal: &'a Principal, bounded: bool) -> Self {
        Self::Principal {
            account: principal.account.as_str(),
            kind: principal.kind,
            own: principal.own_arn(),
            id: &principal.id,
            of_session: principal.user_id(),
            session: principal.session.as_ref().map(|_| principal.arn()),
            bounded,
        }
    }
}

impl Whom {
    /// Nobody yet, or everybody.
    pub(super) fn new(negated: bool, everyone: bool) -> Self {
        Self { negated, everyone, ..Self::default() }
    }

    /// Adds one of a kind: `AWS` or `Service`.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(super) fn add(&mut self, kind: &str, text: &str) -> Result<(), String> {
        match kind {
            "AWS" if text == "*" => self.everyone = true,
            "AWS" if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.accounts.push(text.to_owned());
            }
            "AWS" if is_unique_id(text) => self.ids.push(text.to_owned()),
            "AWS" => self.add_arn(text)?,
            "Service" => {
                let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
                if !text.contains('.') || !text.chars().all(plain) {
                    return Err(format!("'{text}' is no service: ec2.amazonaws.com is one"));
                }
                self.services.push(text.to_ascii_lowercase());
            }
            "Federated" => return Err("identity providers are not supported".to_owned()),
            "CanonicalUser" => {
                return Err("canonical users are not supported: name the account".to_owned());
            }
            _ => return Err(format!("'{kind}' is no kind of principal: AWS or Service")),
        }
        Ok(())
    }

    fn add_arn(&mut self, text: &str) -> Result<(), String> {
        let wrong = || {
            format!("'{text}' is no principal: an account, or the ARN of a user, role or session")
        };
        let account = ArnName::of(text).account().ok_or_else(wrong)?;
        if text.contains(['*', '?', '$']) {
            return Err(format!("'{text}' has a wildcard, which a principal may not have"));
        }
        let mut parts = text.splitn(6, ':').skip(2);
        let (service, resource) = (parts.next(), parts.nth(2));
        let (kind, name) = resource.and_then(|it| it.split_once('/')).unwrap_or_default();
        match (service, kind) {
            (Some("iam"), _) if resource == Some("root") => self.accounts.push(account.to_owned()),
            (Some("iam"), "user" | "role") if !name.is_empty() && !name.ends_with('/') => {
                self.arns.push(text.to_owned());
            }
            (Some("sts"), "assumed-role")
                if name.split('/').filter(|it| !it.is_empty()).count() == 2 =>
            {
                self.arns.push(text.to_owned());
            }
            _ => return Err(wrong()),
        }
        Ok(())
    }

    /// How somebody is named by a statement that is not negated.
    pub(super) fn names(&self, asker: &Asker<'_>) -> Option<Named> {
        let (account, kind) = match asker {
            Asker::Principal { account, kind, .. } => (account, kind),
            Asker::Service(service) => {
                let named = self.services.iter().any(|it| it == service);
                return named.then_some(Named::Session);
            }
        };
        let (itself, session) = self.lists(asker);
        if session == Some(true) {
            return Some(Named::Session);
        }
        if itself {
            let role = *kind == PrincipalKind::Role;
            return Some(if role { Named::Role } else { Named::User });
        }
        if self.everyone {
            return Some(Named::Everyone);
        }
        self.accounts.iter().any(|it| it == account).then_some(Named::Account)
    }

    /// Whether somebody is one of those of whom a negated statement does not speak. Account and user
    /// must both be listed, account, role and session all three: each is looked at for itself. Whom a
    /// boundary bounds no list spares.
    pub(super) fn spares(&self, asker: &Asker<'_>) -> bool {
        let (account, kind) = match asker {
            Asker::Principal { bounded: true, .. } => return false,
            Asker::Principal { account, kind, .. } => (account, kind),
            Asker::Service(service) => return self.services.iter().any(|it| it == service),
        };
        let of_account = self.accounts.iter().any(|it| it == account);
        let (itself, session) = self.lists(asker);
        let itself = itself || *kind == PrincipalKind::Owner;
        self.everyone || (of_account && itself && session.unwrap_or(true))
    }

    /// Whether a user or role is listed, and whether the session is, if there is one: by ARN or by
    /// unique id.
    fn lists(&self, asker: &Asker<'_>) -> (bool, Option<bool>) {
        let Asker::Principal { own, id, of_session, session, .. } = asker else {
            return (false, None);
        };
        let listed = |arn: &String, id: &str| {
            self.arns.contains(arn) || self.ids.iter().any(|listed| listed == id)
        };
        (listed(own, id), session.as_ref().map(|arn| listed(arn, of_session)))
    }
}

/// Whether it is the unique id of a user or role, or of a session in which a role was taken on.
fn is_unique_id(text: &str) -> bool {
    let (id, session) = match text.split_once(':') {
        Some((id, session)) => (id, Some(session)),
        None => (text, None),
    };
    let proper = |digits: &str| {
        (12..=124).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    match (id.strip_prefix("AIDA"), id.strip_prefix("AROA")) {
        (Some(digits), _) => session.is_none() && proper(digits),
        (_, Some(digits)) => session.is_none_or(|name| !name.is_empty()) && proper(digits),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whom(names: &[(&str, &str)]) -> Result<Whom, String> {
        let mut whom = Whom::default();
        names.iter().try_for_each(|(kind, text)| whom.add(kind, text)).map(|()| whom)
    }

    #[test]
    fn principals_are_named_in_full() {
        let good = [
            "*",
            "123456789012",
            "arn:aws:iam::123456789012:root",
            "arn:aws:iam::123456789012:user/a/b",
            "arn:aws:iam::123456789012:role/r",
            "arn:aws:sts::123456789012:assumed-role/r/s",
            "AIDAAAAAAAAAAAAAAAAA2",
            "AROAAAAAAAAAAAAAAAAA2",
            "AROAAAAAAAAAAAAAAAAA2:session",
        ];
        assert!(good.iter().all(|text| whom(&[("AWS", text)]).is_ok()));
        let bad = [
            "",
            "12345678901",
            "arn:aws:iam::123456789012:user/*",
            "arn:aws:iam::*:root",
            "**",
            "arn:aws:iam::123456789012:group/g",
            "arn:aws:iam::123456789012:user/",
            "AIDA1",
            "AIDAAAAAAAAAAAAAAAAA2:session",
            "AROAAAAAAAAAAAAAAAAA2:",
            "AIDAaaaaaaaaaaaaaaaa2",
            "AGPAAAAAAAAAAAAAAAAA2",
            "arn:aws:iam::123456789012:user/a/",
            "arn:aws:sts::123456789012:assumed-role/r",
            "arn:aws:s3:::b",
            "arn:aws:iam::123456789012:user",
            "arn:aws:iam::123456789012:rootx",
            "arn:aws:sts::123456789012:federated-user/x",
            "arn:aws:iam::123456789012:user/${aws:username}",
        ];
        for text in bad {
            assert!(whom(&[("AWS", text)]).is_err(), "{text}");
        }
        for (kind, text) in [
            ("Service", "ec2"),
            ("Service", "*"),
            ("Federated", "x"),
            ("CanonicalUser", "x"),
            ("aws", "*"),
            ("", ""),
            ("Service", "ec2.amazonaws.com/x"),
        ] {
            assert!(whom(&[(kind, text)]).is_err(), "{kind} {text}");
        }
    }

    #[test]
    fn the_strongest_name_counts() {
        let principal = Principal {
            account: "123456789012".parse().unwrap(),
            kind: PrincipalKind::Role,
            name: "r".into(),
            path: "/".into(),
            id: "AROAAAAAAAAAAAAAAAAA2".into(),
            session: Some("s".into()),
        };
        let asker = Asker::of(&principal, false);
        let account = ("AWS", "123456789012");
        let role = ("AWS", "arn:aws:iam::123456789012:role/r");
        let session = ("AWS", "arn:aws:sts::123456789012:assumed-role/r/s");
        let by_id = ("AWS", "AROAAAAAAAAAAAAAAAAA2");
        let session_by_id = ("AWS", "AROAAAAAAAAAAAAAAAAA2:s");
        let named = |names: &[_]| whom(names).unwrap().names(&asker);
        assert_eq!(named(&[account, by_id]), Some(Named::Role));
        assert_eq!(named(&[by_id, session_by_id]), Some(Named::Session));
        assert_eq!(named(&[("AWS", "AROAAAAAAAAAAAAAAAAA3")]), None);
        assert_eq!(named(&[account, role, session]), Some(Named::Session));
        assert_eq!(named(&[account, role]), Some(Named::Role));
        assert_eq!(named(&[account, ("AWS", "*")]), Some(Named::Everyone));
        assert_eq!(named(&[account]), Some(Named::Account));
        assert_eq!(named(&[("AWS", "210987654321"), ("Service", "ec2.amazonaws.com")]), None);
        let spared = |names: &[_]| whom(names).unwrap().spares(&asker);
        assert!(spared(&[account, by_id, session_by_id]) && !spared(&[account, by_id]));
        assert!(spared(&[account, role, session]) && spared(&[("AWS", "*")]));
        assert!(!spared(&[account, role]) && !spared(&[role, session]) && !spared(&[account]));
    }

    #[test]
    fn services_are_named_only_as_such() {
        let service = Asker::Service("ec2.amazonaws.com");
        let named = |names: &[_]| whom(names).unwrap().names(&service);
        assert!(named(&[("Service", "EC2.amazonaws.com")]).is_some());
        assert!(named(&[("AWS", "*")]).is_none());
    }
}
