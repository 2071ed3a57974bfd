//! The next single step for one bundle task, from its record and what its node says. Pure.
//!
//! ```text
//!   under way          node says           step
//!   instance ended     before storing      wish its end: there is no copy of its disk yet
//!   image taken back   anything            wish its end
//!   any, too long      nothing             wish its end
//!   any                nothing             open (telling twice is telling once)
//!   any                waiting … storing   see; open again when half of its leave is over
//!   any                complete            complete; too long refused: fail
//!   any                failed, cancelled   fail
//!
//!   end wished         node says           step
//!   never told         –                   fail
//!   told               nothing, under way  cancel there
//!   told               any end             fail, with the reason that was wished
//!
//!   failed, leftovers  node says           step
//!   never told         –                   drop
//!   told               any end             drop
//!   told, leave over   anything            drop: nothing more can be stored
//!   told               nothing, under way  cancel there
//!
//!   over               any end             let the node forget it
//!   over               nothing             settled
//! ```
//!
//! A node that does not answer is given [`PATIENCE`]; then the task fails, and what the node has of
//! it is ended when it returns.

use std::time::Duration;

use common::error::ErrorCode;
use common::time::Timestamp;
use common::wire::bundling::{BundleState, BundleView, Rest};

use crate::records::{BundleTask, Leave, Reason, Stage};

/// How long a task waits for a node: to begin with it, or to answer again.
pub const PATIENCE: Duration = Duration::from_secs(3600);

/// How much more of a stage is worth being written down.
const WORTH: u8 = 10;

/// How old what is written down of a task that its node works on may be.
const FRESH: Duration = Duration::from_secs(600);

/// What is known beside the record and the view.
#[derive(Debug, Clone, Copy)]
pub struct Given {
    /// The time.
    pub now: Timestamp,
    /// Whether the node answered lately.
    pub reachable: bool,
    /// How long it has been silent.
    pub silent: Duration,
    /// How long tasks have been looked after without a break.
    pub awake: Duration,
    /// The instance has ended or shall end.
    pub instance_over: bool,
    /// The image that it was to become is not wanted any more.
    pub image_gone: bool,
}

/// What is believed of a refusal that may be about the way between the hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// That an administrator sets the way right: it is asked again.
    Way,
    /// That it is about the bundle after all: it was asked for longer than [`PATIENCE`].
    Refusal,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// There is nothing to do, ever.
    Settled,
    /// There is nothing to do now.
    Nothing,
    /// Get leave to store and tell the node.
    Open,
    /// Write down where it stands.
    See(Stage, u8, Option<Rest>),
    /// Wish its end.
    End(Reason),
    /// Tell the node to end it.
    Cancel,
    /// It is stored, of a disk brought to rest like that: write it down, and register it if that
    /// was asked for.
    Complete(Option<Rest>, Trust),
    /// It has ended without a bundle.
    Fail(Reason),
    /// Remove what it stored.
    Drop,
    /// Let the node forget it.
    Forget,
}

/// The next step for a task.
pub fn next(task: &BundleTask, view: Option<&BundleView>, given: Given) -> Step {
    let ended = view.is_some_and(|view| view.state.is_over());
    let by_node = |step| if given.reachable { step } else { Step::Nothing };
    if task.is_over() {
        let quiet = !task.told || ended || task.leave.is_none_or(|leave| leave.until <= given.now);
        return match (task.leftovers, view) {
            (true, _) if quiet => Step::Drop,
            (false, None) => Step::Settled,
            (false, Some(_)) if ended => by_node(Step::Forget),
            (true | false, _) => by_node(Step::Cancel),
        };
    }
    if let Some(reason) = &task.end {
        let lost = given.silent > PATIENCE;
        return match !task.told || ended || lost {
            true => Step::Fail(reason.clone()),
            false => by_node(Step::Cancel),
        };
    }
    let rest = view.and_then(|view| view.rest);
    let (stage, percent) = match view.map(|view| &view.state) {
        Some(BundleState::Complete) if !given.image_gone => {
            // Nothing is written down of it while it stands like this.
            let known = view.map_or(task.updated, |view| view.since.max(task.updated));
            let long = given.now.since(known).min(given.awake) > PATIENCE;
            return Step::Complete(rest, if long { Trust::Refusal } else { Trust::Way });
        }
        _ if given.image_gone => {
            let text = "The image was deregistered before it was saved";
            return Step::End(Reason::new("Client.Cancelled", text));
        }
        // What is being stored needs the instance no more.
        Some(BundleState::Storing { percent })
            if given.instance_over && given.silent <= PATIENCE =>
        {
            (Stage::Storing, (*percent).min(100))
        }
        _ if given.instance_over => {
            let text = "The instance was terminated before it was saved";
            return Step::End(Reason::new("Client.InstanceTerminated", text));
        }
        Some(BundleState::Failed { code, reason }) => return Step::Fail(named(code, reason)),
        Some(BundleState::Cancelled | BundleState::Complete) => {
            let text = format!("The node {} ended it unasked", task.node);
            return Step::Fail(Reason::new("Server.InternalError", text));
        }
        _ if given.silent > PATIENCE => {
            let text = format!("The node {} does not answer", task.node);
            return Step::End(Reason::new("Server.InternalError", text));
        }
        None if given.now.since(task.updated) > PATIENCE => {
            let text = format!("The node {} could not begin with it, or has lost it", task.node);
            return Step::End(Reason::new("Server.InternalError", text));
        }
        None => return by_node(Step::Open),
        Some(BundleState::Waiting) => (Stage::Waiting, 0),
        Some(BundleState::Bundling { percent }) => (Stage::Bundling, (*percent).min(100)),
        Some(BundleState::Storing { percent }) => (Stage::Storing, (*percent).min(100)),
    };
    let more =
        percent >= task.percent.saturating_add(WORTH) || given.now.since(task.updated) >= FRESH;
    if stage != task.stage || rest != task.rest || more {
        return Step::See(stage, percent, rest);
    }
    if task.leave.is_none_or(|leave| is_half_over(leave, given.now)) {
        return by_node(Step::Open);
    }
    Step::Nothing
}

fn is_half_over(leave: Leave, now: Timestamp) -> bool {
    now.since(leave.given) >= leave.until.since(leave.given) / 2
}

/// A reason of a code as services have it: whose fault it is is told by its status.
pub fn named(code: &str, text: &str) -> Reason {
    let side = match ErrorCode::find(code, 400) {
        Some(known) if known.status() < 500 => "Client",
        _ => "Server",
    };
    match code.contains('.') && (code.starts_with("Client.") || code.starts_with("Server.")) {
        true => Reason::new(code, text),
        false => Reason::new(&format!("{side}.{code}"), text),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use common::id::{AccountId, BundleTaskId, InstanceId};
    use common::s3::{CannedAcl, Owner};
    use common::wire::bundling::{BundlePlace, Quiesce};

    use super::*;
    use crate::records::Draft;

    pub(crate) fn sample(stage: Stage) -> BundleTask {
        let account = AccountId::cloud();
        BundleTask {
            id: BundleTaskId::from_random([1; 4]),
            instance: InstanceId::from_random([2; 4]),
            node: "a".into(),
            owner: Owner { account: account.clone(), alias: "eucalyptus".into() },
            account,
            place: BundlePlace::new("buck".parse().unwrap(), "img").unwrap(),
            acl: CannedAcl::Ec2BundleRead,
            quiesce: Quiesce::Live,
            draft: Draft {
                architecture: "x86_64".into(),
                kernel: None,
                ramdisk: None,
                mappings: Vec::new(),
                product_codes: Vec::new(),
                ancestors: Vec::new(),
            },
            image: None,
            stage,
            percent: 0,
            rest: None,
            end: None,
            error: None,
            told: true,
            leave: Some(Leave {
                given: Timestamp::EPOCH,
                until: Timestamp::EPOCH.plus(Duration::from_secs(100)),
            }),
            leftovers: false,
            started: Timestamp::EPOCH,
            updated: Timestamp::EPOCH,
        }
    }

    fn view(state: BundleState) -> BundleView {
        let task = sample(Stage::Pending).id;
        BundleView { task, state, since: Timestamp::EPOCH, rest: None }
    }

    fn at(seconds: i64) -> Given {
        Given {
            now: Timestamp::from_secs(seconds),
            reachable: true,
            silent: Duration::ZERO,
            awake: Duration::from_secs(1_000_000),
            instance_over: false,
            image_gone: false,
        }
    }

    #[test]
    fn a_task_gets_on() {
        let failed = BundleState::Failed { code: "QuotaExceeded".into(), reason: "full".into() };
        let pending = sample(Stage::Pending);
        assert_eq!(next(&pending, None, at(1)), Step::Open);
        assert_eq!(next(&BundleTask { told: false, ..pending.clone() }, None, at(1)), Step::Open);
        let away = Given { reachable: false, ..at(1) };
        assert_eq!(next(&pending, None, away), Step::Nothing);
        assert!(matches!(next(&pending, None, at(3601)), Step::End(_)), "nobody waits for ever");
        let silent = Given { silent: Duration::from_secs(3601), reachable: false, ..at(1) };
        assert!(matches!(next(&pending, None, silent), Step::End(_)));

        let bundling = BundleTask { percent: 40, ..sample(Stage::Bundling) };
        for (percent, step) in [
            (40, Step::Nothing),
            (49, Step::Nothing),
            (50, Step::See(Stage::Bundling, 50, None)),
            (250, Step::See(Stage::Bundling, 100, None)),
        ] {
            let view = view(BundleState::Bundling { percent });
            assert_eq!(next(&bundling, Some(&view), at(1)), step, "{percent}");
        }
        let storing = view(BundleState::Storing { percent: 7 });
        assert_eq!(next(&bundling, Some(&storing), at(1)), Step::See(Stage::Storing, 7, None));
        let paused = BundleView { rest: Some(Rest::Paused), ..view(BundleState::Waiting) };
        let seen = Step::See(Stage::Waiting, 0, Some(Rest::Paused));
        assert_eq!(next(&pending, Some(&paused), at(1)), seen);
        // Its leave is renewed in time.
        let same = view(BundleState::Bundling { percent: 40 });
        assert_eq!(next(&bundling, Some(&same), at(49)), Step::Nothing);
        assert_eq!(next(&bundling, Some(&same), at(50)), Step::Open);
        // A node that lost it is told again, and says what has become of the instance.
        assert_eq!(next(&bundling, None, at(1)), Step::Open);
        assert_eq!(
            next(&bundling, Some(&same), at(600)),
            Step::See(Stage::Bundling, 40, None),
            "that it is still worked on is known after a restart, too"
        );
        assert!(matches!(next(&bundling, None, at(3601)), Step::End(_)));

        let done = view(BundleState::Complete);
        let way = Step::Complete(None, Trust::Way);
        assert_eq!(next(&bundling, Some(&done), at(1)), way);
        assert_eq!(next(&bundling, Some(&done), at(3600)), way);
        let last = Step::Complete(None, Trust::Refusal);
        assert_eq!(next(&bundling, Some(&done), at(3601)), last, "refused for too long");
        let fresh = Given { awake: Duration::from_secs(60), ..at(9999) };
        assert_eq!(next(&bundling, Some(&done), fresh), way, "nobody has asked yet");
        let late = BundleView { since: Timestamp::from_secs(9000), ..done };
        assert_eq!(next(&bundling, Some(&late), at(9999)), way, "it was not stored before");
        let reason = Reason::new("Client.QuotaExceeded", "full");
        assert_eq!(next(&bundling, Some(&view(failed)), at(1)), Step::Fail(reason));
        let unasked = next(&bundling, Some(&view(BundleState::Cancelled)), at(1));
        assert!(matches!(unasked, Step::Fail(_)));
    }

    #[test]
    fn an_instance_that_ends_takes_its_task_along_unless_there_is_a_copy() {
        let over = Given { instance_over: true, ..at(1) };
        let task = sample(Stage::Storing);
        let failed = BundleState::Failed { code: "InternalError".into(), reason: "x".into() };
        for state in [BundleState::Waiting, BundleState::Cancelled, failed] {
            let Step::End(reason) = next(&task, Some(&view(state)), over) else { panic!() };
            assert_eq!(reason.code, "Client.InstanceTerminated");
        }
        assert!(matches!(next(&task, None, over), Step::End(_)));
        let way = Step::Complete(None, Trust::Way);
        assert_eq!(next(&task, Some(&view(BundleState::Complete)), over), way);
        let storing = view(BundleState::Storing { percent: 70 });
        assert_eq!(next(&task, Some(&storing), over), Step::See(Stage::Storing, 70, None));
        let gone = Given { image_gone: true, ..at(1) };
        let step = next(&task, Some(&view(BundleState::Complete)), gone);
        assert!(matches!(step, Step::End(_)));
    }

    #[test]
    fn what_shall_end_ends() {
        let reason = Reason::new("Client.Cancelled", "so");
        let task = BundleTask { end: Some(reason.clone()), ..sample(Stage::Storing) };
        assert_eq!(task.state(), "cancelling");
        let alive = view(BundleState::Storing { percent: 1 });
        assert_eq!(next(&task, Some(&alive), at(1)), Step::Cancel);
        assert_eq!(next(&task, None, at(1)), Step::Cancel, "lest a late start begins with it");
        let fail = Step::Fail(reason);
        for state in [BundleState::Cancelled, BundleState::Complete] {
            assert_eq!(next(&task, Some(&view(state)), at(1)), fail);
        }
        assert_eq!(next(&BundleTask { told: false, ..task.clone() }, None, at(1)), fail);
        let away = Given { reachable: false, ..at(1) };
        assert_eq!(next(&task, Some(&alive), away), Step::Nothing);
        let lost = Given { silent: Duration::from_secs(3601), ..away };
        assert_eq!(next(&task, Some(&alive), lost), fail);
    }

    #[test]
    fn nothing_is_left_of_a_task_that_failed() {
        let task = BundleTask { leftovers: true, ..sample(Stage::Failed) };
        let alive = view(BundleState::Storing { percent: 1 });
        let ended = view(BundleState::Cancelled);
        assert_eq!(next(&task, Some(&ended), at(1)), Step::Drop);
        assert_eq!(next(&task, Some(&alive), at(1)), Step::Cancel);
        assert_eq!(next(&task, None, at(1)), Step::Cancel);
        let away = Given { reachable: false, ..at(1) };
        assert_eq!(next(&task, Some(&alive), away), Step::Nothing, "it may still store");
        assert_eq!(next(&task, Some(&alive), Given { reachable: false, ..at(100) }), Step::Drop);
        let dropped = BundleTask { leftovers: false, ..task.clone() };
        assert_eq!(next(&dropped, Some(&ended), at(1)), Step::Forget);
        assert_eq!(next(&dropped, Some(&alive), at(200)), Step::Cancel, "a node that returns");
        assert_eq!(next(&dropped, None, at(1)), Step::Settled);
        let complete = sample(Stage::Complete);
        let done = view(BundleState::Complete);
        assert_eq!(next(&complete, Some(&done), at(1)), Step::Forget);
        assert_eq!(next(&complete, Some(&done), away), Step::Nothing);
        assert_eq!(next(&complete, None, at(1)), Step::Settled);
    }

    #[test]
    fn whose_fault_it_is_is_told_by_the_code() {
        for (code, told) in [
            ("QuotaExceeded", "Client.QuotaExceeded"),
            ("InternalError", "Server.InternalError"),
            ("Unheard", "Server.Unheard"),
            ("Client.InstanceTerminated", "Client.InstanceTerminated"),
        ] {
            assert_eq!(named(code, "x").code, told);
        }
    }
}
