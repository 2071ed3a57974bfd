//! Who looks at the console.

use common::action::Caller;
use common::iam::Context;

use crate::records::ConsoleSession;

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Viewer {
    /// As whom they act.
    pub(crate) caller: Caller,
    /// Their session.
    pub(crate) session: ConsoleSession,
    /// Whether the cloud has to be configured by them before anything else.
    pub(crate) first_time: bool,
    /// How many applications wait for them, if they administrate the cloud.
    pub(crate) waiting: usize,
}

impl Viewer {
    /// Whether they may see what their account uses: whoever may see what it has.
    pub(crate) fn sees_use(&self) -> bool {
        self.caller.authority.may("ec2:DescribeInstances", "*", &Context::new())
    }

    /// Whether they may use no page but the one where a password is set.
    pub(crate) fn is_held(&self) -> bool {
        self.session.must_change || self.first_time
    }
}
