//! Access keys: CreateAccessKey, ListAccessKeys, UpdateAccessKey, DeleteAccessKey,
//! GetAccessKeyLastUsed.

use common::error::{ApiError, ErrorCode};
use common::euare::access_keys::{
    AccessKey as View, AccessKeyMetadata, AccessKeys, CreateAccessKey, CreatedAccessKey,
    DeleteAccessKey, GetAccessKeyLastUsed, KeyLastUsed, LastUse, ListAccessKeys, Status,
    UpdateAccessKey,
};
use common::euare::elements::{Moment, Nothing};
use common::euare::paging::Page;
use common::iam::{Context, EntityName};
use common::id::AccountId;
use runtime::actor::{Answer, Scene};
use store::Seen;

use super::change::{Change, Changes, changes};
use super::{Iam, belongings, limits, users};
use crate::random;
use crate::records::{AccessKey, Records, User};
use crate::settings;

changes!(CreateAccessKey, DeleteAccessKey, UpdateAccessKey);

fn no_key(id: &str) -> ApiError {
    let text = format!("The Access Key with id {id} cannot be found.");
    ApiError::new(ErrorCode::NoSuchEntity, text)
}

/// A user's key. Blocks.
fn find(
    records: &Records,
    account: &AccountId,
    user: &str,
    id: &str,
) -> Result<Seen<AccessKey>, ApiError> {
    let user = users::find(records, account, user)?;
    let own = |key: &Seen<AccessKey>| {
        key.account == *account && key.user.eq_ignore_ascii_case(&user.name)
    };
    records.access_keys.get(id)?.filter(own).ok_or_else(|| no_key(id))
}

impl Changes for CreateAccessKey {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<CreatedAccessKey>, ApiError> {
        let name = users::meant(scene, self.user_name.as_deref())?;
        let (account, now) = (scene.caller.account.clone(), scene.clock.now());
        Ok(Change::new(move |records, batch, touched| {
            let user = users::find(records, &account, &name)?;
            let have = belongings::keys(records, &user)?.len();
            let most = settings::number(records, settings::ACCESS_KEYS_PER_USER)?;
            limits::room(have, most, &user.name, "AccessKeysPerUser")?;
            let key = AccessKey {
                id: random::access_key_id()?,
                secret: random::secret_key()?,
                account: account.clone(),
                user: user.name.clone(),
                created: now,
                active: true,
                holder: user.unique_id(),
            };
            batch.insert(&key)?;
            batch.point(&records.keys_of, &belongings::key_row(&key), &key.id);
            touched.note(EntityName::AccessKey(key.id.clone()));
            Ok(CreatedAccessKey {
                access_key: View {
                    user_name: key.user,
                    access_key_id: key.id,
                    status: Status::Active,
                    secret_access_key: key.secret,
                    create_date: Moment(key.created),
                },
            })
        }))
    }
}

impl Answer<Iam> for ListAccessKeys {
    async fn answer(self, scene: &Scene<Iam>) -> Result<AccessKeys, ApiError> {
        let name = users::meant(scene, self.user_name.as_deref())?;
        let account = scene.caller.account.clone();
        let key = User::key_of(&account, &name);
        let page = Page::new(&["ListAccessKeys", &key], self.marker.as_deref(), self.max_items)?;
        scene
            .records
            .work(move |records| {
                let user = users::find(records, &account, &name)?;
                let told = |key: Seen<AccessKey>| {
                    let metadata = AccessKeyMetadata {
                        user_name: user.name.clone(),
                        access_key_id: key.id.clone(),
                        status: Status::of(key.active),
                        create_date: Moment(key.created),
                    };
                    (key.record.id, metadata)
                };
                let keys = belongings::keys(records, &user)?;
                let filled = page.cut(keys.into_iter().map(told));
                Ok(AccessKeys {
                    user_name: user.name.clone(),
                    access_key_metadata: filled.items,
                    is_truncated: filled.is_truncated,
                    marker: filled.marker,
                })
            })
            .await
    }
}

impl Changes for UpdateAccessKey {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        let name = users::meant(scene, self.user_name.as_deref())?;
        let (account, id) = (scene.caller.account.clone(), self.access_key_id);
        let active = self.status == Status::Active;
        Ok(Change::new(move |records, batch, touched| {
            let mut key = find(records, &account, &name, &id)?;
            key.record.active = active;
            batch.replace(&key)?;
            touched.note(EntityName::AccessKey(id.clone()));
            Ok(Nothing {})
        }))
    }
}

impl Changes for DeleteAccessKey {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        let name = users::meant(scene, self.user_name.as_deref())?;
        let (account, id) = (scene.caller.account.clone(), self.access_key_id);
        Ok(Change::new(move |records, batch, touched| {
            let key = find(records, &account, &name, &id)?;
            belongings::remove_key(records, batch, touched, &key)?;
            Ok(Nothing {})
        }))
    }
}

impl Answer<Iam> for GetAccessKeyLastUsed {
    async fn answer(self, scene: &Scene<Iam>) -> Result<KeyLastUsed, ApiError> {
        let (caller, id) = (scene.caller.clone(), self.access_key_id);
        let (uses, region) = (scene.key_uses.clone(), scene.endpoints.region.clone());
        scene
            .records
            .work(move |records| {
                let key = records.access_keys.get(&id)?;
                let own = |key: &Seen<AccessKey>| key.account == caller.account;
                let key = key.filter(own).ok_or_else(|| no_key(&id))?;
                let user = users::find(records, &key.account, &key.user)?;
                // Whose key it is stands on record only, so it is asked here.
                let owner = users::arn(&user.account, &user.path, &user.name);
                let action = "iam:GetAccessKeyLastUsed";
                if !caller.authority.may(action, &owner, &Context::new()) {
                    return Err(no_key(&id));
                }
                let last = uses.last(records, &id)?;
                let absent = || "N/A".to_owned();
                Ok(KeyLastUsed {
                    user_name: user.record.name,
                    access_key_last_used: LastUse {
                        last_used_date: last.as_ref().map(|last| Moment(last.at)),
                        region: last.as_ref().map_or_else(absent, |_| region),
                        service_name: last.map_or_else(absent, |last| last.service),
                    },
                })
            })
            .await
    }
}
