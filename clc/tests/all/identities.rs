//! Users, roles and instance profiles, put on record as IAM's actions would.

use clc::records::{AccessKey, InstanceProfile, Records, Role};
use common::iam::EntityName;
use common::iam::entity::PolicySet;
use common::id::AccountId;
use common::time::Timestamp;

use crate::world::{User, World};

const THEN: Timestamp = Timestamp::from_secs(1_700_000_000);

/// A policy of one statement.
pub(crate) fn allow(actions: &str, resource: &str) -> String {
    statement("Allow", actions, resource)
}

pub(crate) fn statement(effect: &str, actions: &str, resource: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Action":"{actions}","Resource":"{resource}"}}]}}"#
    )
}

/// A trust policy of one statement; `whom` and `condition` are JSON.
pub(crate) fn trust(whom: &str, actions: &str, condition: &str) -> String {
    let condition = match condition {
        "" => String::new(),
        condition => format!(r#","Condition":{condition}"#),
    };
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{whom},"Action":{actions}{condition}}}]}}"#
    )
}

fn own(name: &str, text: &str) -> PolicySet {
    let mut policies = PolicySet::default();
    if !text.is_empty() {
        policies.inline.insert(name.to_owned(), text.to_owned());
    }
    policies
}

/// A user with a key and a policy.
pub(crate) fn person(records: &Records, account: &str, name: &str, policy: &str) -> User {
    let number: AccountId = account.parse().unwrap();
    let id = format!("AIDA{:0>17}", name.to_uppercase());
    let mut user = clc::records::User::new(number.clone(), name, "/", id, THEN);
    user.policies = own("own", policy);
    let (access_key, secret) = (format!("AKI{:0>17}", name.to_uppercase()), format!("s-{name}"));
    let key = AccessKey {
        id: access_key.clone(),
        secret: secret.clone(),
        account: number.clone(),
        user: name.to_owned(),
        created: THEN,
        active: true,
        holder: String::new(),
    };
    let change = |batch: &mut store::Batch, touched: &mut clc::records::Touched| {
        batch.insert(&user)?;
        batch.insert(&key)?;
        touched.note(EntityName::user(&number, name));
        touched.note(EntityName::AccessKey(key.id.clone()));
        Ok(())
    };
    records.change_identity(change).unwrap();
    User { access_key, secret, account: account.to_owned(), token: None }
}

/// A role; gives its ARN.
pub(crate) fn role(
    records: &Records,
    account: &str,
    name: &str,
    (trust, policy): (&str, &str),
) -> String {
    let role = Role {
        account: account.parse().unwrap(),
        name: name.to_owned(),
        id: format!("AROA{:0>17}", name.to_uppercase()),
        path: "/".to_owned(),
        description: String::new(),
        trust: trust.to_owned(),
        trusted: Default::default(),
        max_session_seconds: 7200,
        policies: own("own", policy),
        boundary: None,
        created: THEN,
        tags: Default::default(),
    };
    let change = |batch: &mut store::Batch, touched: &mut clc::records::Touched| {
        batch.insert(&role)?;
        touched.note(EntityName::role(&role.account, name));
        Ok(())
    };
    records.change_identity(change).unwrap();
    role.arn()
}

/// An instance profile with a role, or without; gives its ARN.
pub(crate) fn profile(records: &Records, account: &str, name: &str, role: Option<&str>) -> String {
    let profile = InstanceProfile {
        account: account.parse().unwrap(),
        name: name.to_owned(),
        id: format!("AIPA{:0>17}", name.to_uppercase()),
        path: "/".to_owned(),
        role: role.map(str::to_owned),
        created: THEN,
        tags: Default::default(),
    };
    records.profiles.insert(profile.clone()).unwrap();
    profile.arn()
}

impl World {
    /// Changes what is on record while the clc is down.
    pub(crate) async fn on_record<T>(&mut self, change: impl FnOnce(&Records) -> T) -> T {
        self.stop().await;
        let done = {
            let records = Records::new(store::open(&self.config.store()).unwrap());
            change(&records)
        };
        self.restart().await;
        done
    }
}
