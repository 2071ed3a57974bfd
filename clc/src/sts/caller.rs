//! GetCallerIdentity and GetAccessKeyInfo.

use common::error::{ApiError, ErrorCode};
use common::iam::session::{TEMPORARY, account_of};
use common::sts::caller::{AccessKeyInfo, CallerIdentity, GetAccessKeyInfo, GetCallerIdentity};
use runtime::actor::{Answer, Scene};

use super::Tokens;

impl Answer<Tokens> for GetCallerIdentity {
    async fn answer(self, scene: &Scene<Tokens>) -> Result<CallerIdentity, ApiError> {
        let caller = &scene.caller;
        Ok(CallerIdentity {
            arn: caller.arn(),
            user_id: caller.authority.principal().user_id(),
            account: caller.account.to_string(),
        })
    }
}

impl Answer<Tokens> for GetAccessKeyInfo {
    async fn answer(self, scene: &Scene<Tokens>) -> Result<AccessKeyInfo, ApiError> {
        let id = self.access_key_id;
        let found = scene.records.work(move |records| {
            let account = match id.starts_with(TEMPORARY) {
                true => account_of(&id),
                false => records.access_keys.get(&id)?.map(|seen| seen.record.account),
            };
            let known = match &account {
                Some(account) => records.accounts.get(account.as_str())?.is_some(),
                None => false,
            };
            Ok(account.filter(|_| known))
        });
        let unknown = || {
            let text = "The access key id is none of this cloud's";
            ApiError::new(ErrorCode::ValidationError, text)
        };
        Ok(AccessKeyInfo { account: found.await?.ok_or_else(unknown)?.to_string() })
    }
}
