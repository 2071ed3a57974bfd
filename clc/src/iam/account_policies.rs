//! Limits of whole accounts, for administrators of the cloud: PutAccountPolicy, GetAccountPolicy,
//! ListAccountPolicies, DeleteAccountPolicy.
//!
//! Such a policy holds for everybody in the account, its owner included. All its statements are of
//! `Effect: Limit`: what an account may do at all is for its owner to say.

use common::error::{ApiError, ErrorCode};
use common::euare::accounts::{
    AccountPolicies, AccountPolicy, DeleteAccountPolicy, GetAccountPolicy, ListAccountPolicies,
    PutAccountPolicy,
};
use common::euare::elements::Nothing;
use common::euare::names::{self, EXISTING};
use common::euare::paging::Page;
use common::iam::EntityName;
use common::iam::policy::{Policy, PolicyKind};
use common::sign::percent_encode;
use runtime::actor::{Answer, Scene};
use serde_json::Value;

use super::accounts::administrators_only;
use super::change::{Change, Changes, changes};
use super::{Iam, limits};
use crate::identity::stand_in;

changes!(DeleteAccountPolicy, PutAccountPolicy);

fn no_policy(name: &str) -> ApiError {
    let text = format!("The account policy with name {name} cannot be found.");
    ApiError::new(ErrorCode::NoSuchEntity, text)
}

fn malformed(why: impl std::fmt::Display) -> ApiError {
    ApiError::new(ErrorCode::MalformedPolicyDocument, format!("{why}"))
}

/// Refuses what is no policy, and a policy that does more than limit.
fn check(document: &str) -> Result<(), ApiError> {
    names::check_length("policyDocument", document, limits::POLICY_SIZE)?;
    Policy::parse(document, PolicyKind::Identity).map_err(malformed)?;
    let policy: Value = serde_json::from_str(document).map_err(malformed)?;
    let statements = match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(statement) => std::slice::from_ref(statement),
        None => &[],
    };
    let limits = |statement: &Value| statement.get("Effect") == Some(&Value::from("Limit"));
    if statements.is_empty() || !statements.iter().all(limits) {
        let text = "An account's policy sets limits only: the Effect of each statement is Limit";
        return Err(malformed(text));
    }
    Ok(())
}

impl Changes for PutAccountPolicy {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        administrators_only(scene, "PutAccountPolicy")?;
        names::check_name("policyName", &self.policy_name, names::POLICY)?;
        check(&self.policy_document)?;
        Ok(Change::new(move |records, batch, touched| {
            let mut seen = stand_in::account(records, &self.account_name)?;
            let inline = &mut seen.record.policies.inline;
            inline.insert(self.policy_name.clone(), self.policy_document.clone());
            let (have, most) = (inline.len() - 1, limits::ACCOUNT_POLICIES);
            limits::room(have, most, &self.policy_name, "PoliciesPerAccount")?;
            batch.replace(&seen)?;
            touched.note(EntityName::Account(seen.record.number));
            Ok(Nothing {})
        }))
    }
}

impl Changes for DeleteAccountPolicy {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        administrators_only(scene, "DeleteAccountPolicy")?;
        names::check_name("policyName", &self.policy_name, EXISTING)?;
        Ok(Change::new(move |records, batch, touched| {
            let mut seen = stand_in::account(records, &self.account_name)?;
            let before = seen.record.policies.inline.remove(&self.policy_name);
            before.ok_or_else(|| no_policy(&self.policy_name))?;
            batch.replace(&seen)?;
            touched.note(EntityName::Account(seen.record.number));
            Ok(Nothing {})
        }))
    }
}

impl Answer<Iam> for GetAccountPolicy {
    async fn answer(self, scene: &Scene<Iam>) -> Result<AccountPolicy, ApiError> {
        administrators_only(scene, "GetAccountPolicy")?;
        names::check_name("policyName", &self.policy_name, EXISTING)?;
        let Self { account_name, policy_name } = self;
        let account =
            scene.records.work(move |records| stand_in::account(records, &account_name)).await?;
        let text = account.policies.inline.get(&policy_name);
        let policy_document = percent_encode(text.ok_or_else(|| no_policy(&policy_name))?);
        let account_name = account.record.alias;
        Ok(AccountPolicy { account_name, policy_name, policy_document })
    }
}

impl Answer<Iam> for ListAccountPolicies {
    async fn answer(self, scene: &Scene<Iam>) -> Result<AccountPolicies, ApiError> {
        administrators_only(scene, "ListAccountPolicies")?;
        let listing = ["ListAccountPolicies", self.account_name.as_str()];
        let page = Page::new(&listing, self.marker.as_deref(), self.max_items)?;
        let named = self.account_name;
        let account = scene.records.work(move |records| stand_in::account(records, &named)).await?;
        let names = account.record.policies.inline.into_keys();
        let filled = page.cut(names.map(|name| (name.clone(), name)));
        let (is_truncated, marker) = (filled.is_truncated, filled.marker);
        Ok(AccountPolicies { policy_names: filled.items, is_truncated, marker })
    }
}

#[cfg(test)]
mod tests {
    use common::iam::directory::authority_of_user;
    use common::time::Timestamp;
    use store::EngineConfig;

    use super::*;
    use crate::identity::directory::RecordedDirectory;
    use crate::records::{Account, Records, User};

    #[test]
    fn limits_hold_for_everybody_in_the_account() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        let number: common::id::AccountId = "123456789012".parse().unwrap();
        let limit = |most: u32| {
            format!(
                r#"{{"Statement":{{"Effect":"Limit","Action":"iam:CreateUser","Resource":"*",
                "Condition":{{"NumericLessThanEquals":{{"iam:quota-usernumber":"{most}"}}}}}}}}"#
            )
        };
        let texts = [("a".to_owned(), limit(7)), ("b".to_owned(), limit(3))];
        let mut account = Account::new(number.clone(), "taro", Timestamp::EPOCH);
        account.policies.inline = texts.into();
        records.accounts.insert(account).unwrap();
        for name in ["admin", "hanako"] {
            let mut user = User::new(number.clone(), name, "/", String::new(), Timestamp::EPOCH);
            user.policies.inline.insert("own".into(), limit(5));
            records.users.insert(user).unwrap();
        }
        let directory = RecordedDirectory::new(records);
        for name in ["admin", "hanako"] {
            let authority = authority_of_user(&directory, &number, name).unwrap().unwrap();
            let most = authority.limit("iam:CreateUser", "*", "iam:quota-usernumber");
            assert_eq!(most, Some(3), "{name}");
            assert_eq!(authority.limit("ec2:RunInstances", "*", "iam:quota-usernumber"), None);
        }
    }

    #[test]
    fn only_limits_are_taken() {
        let limit = r#"{"Effect":"Limit","Action":"ec2:RunInstances","Resource":"*",
            "Condition":{"NumericLessThanEquals":{"ec2:quota-vminstancenumber":"5"}}}"#;
        let allow = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
        let policy =
            |statements: &str| format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#);
        for text in [policy(limit), policy(&format!("[{limit},{limit}]"))] {
            assert_eq!(check(&text), Ok(()), "{text}");
        }
        for text in [policy(allow), policy("[]"), policy(&format!("[{limit},{allow}]")), "{".into()]
        {
            let code = check(&text).unwrap_err().code();
            assert_eq!(code, ErrorCode::MalformedPolicyDocument, "{text}");
        }
    }
}
