//! The operands that name users, groups, roles and their like, as the commands share them; and what
//! a policy can be held by.

use clap::Args;

use super::iam::Iam;
use crate::cmd::{Context, Failure};
use crate::options::Remote;

/// Declares an operand that names something, with the flag that once stood before it.
macro_rules! operand {
    ($(#[$doc:meta])* $name:ident, $value:literal, $about:literal, $short:literal, $long:literal) => {
        $(#[$doc])*
        #[derive(Debug, Args)]
        pub(super) struct $name {
            #[arg(value_name = $value, help = $about)]
            pub(super) name: String,
            #[arg(short = $short, long = $long, hide = true)]
            _flag: bool,
            #[command(flatten)]
            pub(super) on: On,
        }

        impl Named for $name {
            fn name(&self) -> &str {
                &self.name
            }
        }
    };
}

/// Where and in whose place something is asked.
#[derive(Debug, Args)]
pub(super) struct On {
    /// Do it as the administrator of this account; for administrators of the cloud
    #[arg(long, value_name = "ACCOUNT")]
    pub(super) as_account: Option<String>,
    #[command(flatten)]
    pub(super) remote: Remote,
}

impl On {
    /// The IAM that is meant.
    pub(super) fn iam(&self, cx: &Context<'_>) -> Result<Iam, Failure> {
        Iam::of(cx, &self.remote, self.as_account.as_deref())
    }
}

/// Something that an operand names.
pub(super) trait Named {
    /// The name.
    fn name(&self) -> &str;
}

operand! {
    /// A user.
    OneUser, "USER", "The user", 'u', "user-name"
}
operand! {
    /// A group.
    OneGroup, "GROUP", "The group", 'g', "group-name"
}
operand! {
    /// A role.
    OneRole, "ROLE", "The role", 'r', "role-name"
}
operand! {
    /// An instance profile.
    OneProfile, "IPROFILE", "The instance profile", 's', "instance-profile-name"
}

/// A user, or whoever asks.
#[derive(Debug, Args)]
pub(super) struct AnyUser {
    /// The user; you if absent
    #[arg(value_name = "USER")]
    pub(super) name: Option<String>,
    #[arg(short = 'u', long = "user-name", hide = true)]
    _flag: bool,
    #[command(flatten)]
    pub(super) on: On,
}

/// An account, by name or number. Only administrators of the cloud name accounts, so nothing is
/// asked in another's place.
#[derive(Debug, Args)]
pub(super) struct OneAccount {
    /// The account, by name or number
    #[arg(value_name = "ACCOUNT")]
    pub(super) name: String,
    #[arg(short = 'a', long = "account-name", hide = true)]
    _flag: bool,
    #[command(flatten)]
    pub(super) remote: Remote,
}

/// An account where `-a` stands for something else.
#[derive(Debug, Args)]
pub(super) struct NamedAccount {
    /// The account, by name or number
    #[arg(value_name = "ACCOUNT")]
    name: String,
    #[arg(long = "account-name", hide = true)]
    _flag: bool,
    #[command(flatten)]
    remote: Remote,
}

/// Whose a thing is that is named by its id.
#[derive(Debug, Args)]
pub(super) struct Whose {
    /// The user whose it is; you if absent
    #[arg(short, long, value_name = "USER")]
    pub(super) user_name: Option<String>,
    #[command(flatten)]
    pub(super) on: On,
}

/// What can hold policies of its own.
pub(super) trait Holder: Args {
    /// The parameter that names it.
    const PARAMETER: &'static str;
    /// Its actions: put, get, list, delete.
    const ACTIONS: [&'static str; 4];

    /// Its name.
    fn held_by(&self) -> &str;

    /// The IAM that is meant.
    fn iam(&self, cx: &Context<'_>) -> Result<Iam, Failure>;
}

macro_rules! holder {
    ($name:ident, $parameter:literal, $actions:expr) => {
        impl Holder for $name {
            const PARAMETER: &'static str = $parameter;
            const ACTIONS: [&'static str; 4] = $actions;

            fn held_by(&self) -> &str {
                &self.name
            }

            fn iam(&self, cx: &Context<'_>) -> Result<Iam, Failure> {
                self.on.iam(cx)
            }
        }
    };
}

holder!(
    OneUser,
    "UserName",
    ["PutUserPolicy", "GetUserPolicy", "ListUserPolicies", "DeleteUserPolicy"]
);
holder!(
    OneGroup,
    "GroupName",
    ["PutGroupPolicy", "GetGroupPolicy", "ListGroupPolicies", "DeleteGroupPolicy"]
);
holder!(
    OneRole,
    "RoleName",
    ["PutRolePolicy", "GetRolePolicy", "ListRolePolicies", "DeleteRolePolicy"]
);

macro_rules! account {
    ($name:ident) => {
        impl Holder for $name {
            const PARAMETER: &'static str = "AccountName";
            const ACTIONS: [&'static str; 4] = [
                "PutAccountPolicy",
                "GetAccountPolicy",
                "ListAccountPolicies",
                "DeleteAccountPolicy",
            ];

            fn held_by(&self) -> &str {
                &self.name
            }

            fn iam(&self, cx: &Context<'_>) -> Result<Iam, Failure> {
                Iam::of(cx, &self.remote, None)
            }
        }
    };
}

account!(OneAccount);
account!(NamedAccount);
