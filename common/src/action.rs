//! What an action is as a type: its name, its answer, whether it changes anything, and what it is
//! done to.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{ApiError, ErrorCode};
use crate::iam::directory::Credential;
use crate::iam::{Authority, Context, Subject};
use crate::id::AccountId;

/// Whether an action reads or changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Changes nothing; may be repeated at will.
    Read,
    /// Changes something.
    Write,
    /// Changes something, and knows a repetition by its `ClientToken`.
    Tokened,
}

/// One operation of a query API. The value is the request, decoded.
pub trait Action: Serialize + DeserializeOwned + Send + 'static {
    /// What `Action=` says.
    const NAME: &'static str;
    /// Whether it changes anything.
    const ACCESS: Access;
    /// What is answered, without the envelope.
    type Output: Serialize + DeserializeOwned + Send + 'static;

    /// What this request is done to, as policies name it.
    fn subject(&self) -> Subject;
}

/// Declares actions of one family and the list of their names. What a request is done to is told by
/// `|it| SUBJECT` behind the access; an action without it is done to no resource of its own.
#[macro_export]
macro_rules! actions {
    (@subject) => {
        fn subject(&self) -> $crate::iam::Subject {
            $crate::iam::Subject::any()
        }
    };
    (@subject |$it:ident| $subject:expr) => {
        fn subject(&self) -> $crate::iam::Subject {
            let $it = self;
            $subject
        }
    };
    ($($name:ident => $output:ty, $access:ident $(, |$it:ident| $subject:expr)?;)*) => {
        $(impl $crate::action::Action for $name {
            const NAME: &'static str = stringify!($name);
            const ACCESS: $crate::action::Access = $crate::action::Access::$access;
            type Output = $output;

            $crate::actions!(@subject $(|$it| $subject)?);
        })*

        /// The names of this family's actions.
        pub const NAMES: &[&str] = &[$(stringify!($name),)*];
    };
}

/// Who sent a request, after its signature was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub account: AccountId,
    /// The account's name.
    pub alias: String,
    /// The user inside it.
    pub user: String,
    /// Whether they see and change what is other accounts': see [`ADMINISTER`].
    pub administrator: bool,
    /// What policies let them do.
    pub authority: Authority,
}

/// What an administrator of the cloud may do: see and change what is other accounts'. Every user of
/// the cloud's own account may, unless a policy, a boundary or a session says otherwise; a role of
/// that account only if its policies say so.
pub const ADMINISTER: &str = "eucalypt:Administer";

/// Whether somebody may administer the cloud: by [`ADMINISTER`] alone, whoever they are.
pub fn is_administrator(authority: &Authority) -> bool {
    authority.principal().account == AccountId::cloud()
        && authority.may(ADMINISTER, "*", &Context::new())
}

impl From<Credential> for Caller {
    fn from(credential: Credential) -> Self {
        let Credential { alias, authority, .. } = credential;
        let administrator = is_administrator(&authority);
        let principal = authority.principal();
        let (account, user) = (principal.account.clone(), principal.name.clone());
        Self { account, alias, user, administrator, authority }
    }
}

impl Caller {
    /// The owner of an account, who is nobody's administrator.
    pub fn owner(account: &AccountId, alias: &str) -> Self {
        let user = "admin".to_owned();
        let authority = Authority::owner(account, &user);
        let (account, alias) = (account.clone(), alias.to_owned());
        Self { account, alias, user, administrator: false, authority }
    }

    /// The same, in a request of which this is known: where it comes from, and when.
    #[must_use]
    pub fn within(self, request: &Context) -> Self {
        let authority = self.authority.within(request);
        Self { administrator: is_administrator(&authority), authority, ..self }
    }

    /// Refuses to hand a role to a service that will act by it, unless policies let the caller: to
    /// whom a role can be handed at will, everything is allowed that it may.
    ///
    /// # Errors
    /// `AccessDenied`, which names the role.
    pub fn may_pass(&self, role: &str, service: &str) -> Result<(), ApiError> {
        const PASS: &str = "iam:PassRole";
        let context = Context::new().with("iam:PassedToService", service);
        if self.authority.may(PASS, role, &context) {
            return Ok(());
        }
        let who = self.arn();
        let text = format!(
            "User: {who} is not authorized to perform: {PASS} on resource: {role}: no policy allows it"
        );
        Err(ApiError::new(ErrorCode::AccessDenied, text))
    }

    /// Their ARN: a user's, or that of a session in which a role was taken on.
    pub fn arn(&self) -> String {
        self.authority.principal().arn()
    }

    /// Whether this caller may change what `owner` owns.
    pub fn may_change(&self, owner: &AccountId) -> bool {
        self.administrator || self.account == *owner
    }
}
