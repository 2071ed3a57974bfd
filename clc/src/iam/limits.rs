//! How many of everything there may be, as AWS publishes it; what an administrator may change is a
//! setting.

use common::error::{ApiError, ErrorCode};
use common::iam::policy;

/// Users of an account, and as many virtual MFA devices.
pub const USERS: usize = 5000;
/// Groups of an account.
pub const GROUPS: usize = 300;
/// Groups that one user is in.
pub const GROUPS_PER_USER: usize = 10;
/// Managed policies of an account.
pub const POLICIES: usize = 1500;
/// Versions of a managed policy.
pub const VERSIONS_PER_POLICY: usize = 5;
/// Roles of an account.
pub const ROLES: usize = 1000;
/// Instance profiles of an account.
pub const INSTANCE_PROFILES: usize = 1000;
/// Managed policies attached to one user, group or role.
pub const ATTACHED: usize = 10;
/// Policies with limits that stand on one account.
pub const ACCOUNT_POLICIES: usize = 10;
/// Characters of all inline policies of a user.
pub const USER_POLICY_SIZE: usize = policy::LARGEST_OF_USER;
/// Characters of all inline policies of a group.
pub const GROUP_POLICY_SIZE: usize = policy::LARGEST_OF_GROUP;
/// Characters of all inline policies of a role.
pub const ROLE_POLICY_SIZE: usize = policy::LARGEST_OF_ROLE;
/// Characters of a managed policy.
pub const POLICY_SIZE: usize = policy::LARGEST_MANAGED;
/// Characters of a trust policy.
pub const TRUST_POLICY_SIZE: usize = policy::LARGEST_TRUST;
/// Certificates of one user that were not deleted, active or not.
pub const CERTIFICATES_PER_USER: usize = 100;

/// Refuses one more of something where there are `have` and may be `most`.
///
/// # Errors
/// `LimitExceeded`, which names both.
pub fn room(have: usize, most: usize, one: &str, quota: &str) -> Result<(), ApiError> {
    if have < most {
        return Ok(());
    }
    let text = format!("Cannot exceed quota for {quota}: {most} ({one})");
    Err(ApiError::new(ErrorCode::LimitExceeded, text))
}
