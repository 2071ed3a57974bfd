//! Index rows that earlier versions of the cloud did not write, written when it starts. Whatever
//! is there already is left alone, so a start that was cut short is made good by the next.

use common::error::ApiError;
use common::iam::EntityName;
use common::id::AccountId;
use common::wire::people::Standing;
use store::{After, Batch, Index};

use crate::iam::belongings;
use crate::records::feed::HEAD;
use crate::records::{Records, User};

/// How many records one commit is about.
const PORTION: usize = 256;

/// Writes the index rows that are missing. Blocks.
///
/// # Errors
/// If the store fails.
pub(crate) fn index_rows(records: &Records) -> Result<(), ApiError> {
    let mut batch = Portions::new(records);
    for seen in records.instances.all("") {
        let it = seen?.record;
        if records.instances_of.get(&Records::instance_key(&it))?.is_none() {
            records.point(&mut batch.open, &it);
            batch.more()?;
        }
    }
    for seen in records.images.all("") {
        let it = seen?.record;
        for key in Records::image_keys(&it) {
            if records.images_for.get(&key)?.is_none() {
                batch.open.point(&records.images_for, &key, it.id.as_str());
                batch.more()?;
            }
        }
    }
    publish(records)?;
    find_lost_keys(records)?;
    // What instances_of was before launches had an order.
    let unordered = Index::new(records.engine.clone(), "instance-by-account");
    for row in unordered.scan("", After::Start, usize::MAX)? {
        batch.open.unpoint(&unordered, &row.key);
        batch.more()?;
    }
    batch.commit()
}

/// Tells the feed of identities that were made before there was one. When all of them are told that is
/// noted, so that no later start walks over all users again.
fn publish(records: &Records) -> Result<(), ApiError> {
    if records.feed_heads.get(HEAD)?.is_some_and(|head| head.whole) {
        return Ok(());
    }
    let mut untold = Untold { records, names: Vec::new() };
    for seen in records.accounts.all("") {
        let it = seen?.record;
        if it.registration.standing == Standing::Applied {
            let mut batch = Batch::new();
            batch.point(&records.applicants, &it.applicant_row(), it.number.as_str());
            batch.commit(&*records.engine)?;
        }
        untold.add(EntityName::Account(it.number), None)?;
    }
    for seen in records.users.all("") {
        let user = seen?.record;
        untold.add(EntityName::user(&user.account, &user.name), None)?;
    }
    for seen in records.access_keys.all("") {
        let key = seen?.record;
        untold.add(EntityName::AccessKey(key.id.clone()), Some((key.row(), key.id)))?;
    }
    for seen in records.certificates.all("") {
        untold.add(seen?.entity_name(), None)?;
    }
    untold.tell()?;
    records.feed_is_whole()
}

/// Identities of which the feed does not know, some hundreds at a time.
struct Untold<'a> {
    records: &'a Records,
    /// With the row of the keys of a user, if it is a key.
    names: Vec<(EntityName, Option<(String, String)>)>,
}

impl Untold<'_> {
    fn add(&mut self, name: EntityName, row: Option<(String, String)>) -> Result<(), ApiError> {
        if self.records.feed_of.get(&name.to_string())?.is_some() {
            return Ok(());
        }
        self.names.push((name, row));
        if self.names.len() < PORTION { Ok(()) } else { self.tell() }
    }

    fn tell(&mut self) -> Result<(), ApiError> {
        let names = std::mem::take(&mut self.names);
        if names.is_empty() {
            return Ok(());
        }
        self.records.change_identity(|batch, touched| {
            for (name, row) in &names {
                if let Some((row, id)) = row {
                    batch.point(&self.records.keys_of, row, id);
                }
                touched.note(name.clone());
            }
            Ok(())
        })
    }
}

/// Access keys that an earlier version wrote under a user's name as it was given, where nobody who
/// removed the user found them, get the row that they should have. Such a key may have outlived its
/// user: then it goes, or, if another one has the name now, it is switched off.
fn find_lost_keys(records: &Records) -> Result<(), ApiError> {
    // Only administrators' keys were written so.
    for row in records.keys_of.rows(&format!("{}/", AccountId::cloud()), None, PORTION) {
        let lost = row?;
        if lost.key == lost.key.to_ascii_lowercase() {
            continue;
        }
        let Some(it) = records.access_keys.get(&lost.value)?.map(|seen| seen.record) else {
            continue;
        };
        if lost.key == it.row() {
            continue;
        }
        records.change_identity(|batch, touched| {
            batch.unpoint(&records.keys_of, &lost.key);
            let Some(mut key) = records.access_keys.get(&it.id)? else { return Ok(()) };
            match records.users.get(&User::key_of(&key.account, &key.user))? {
                None => return belongings::remove_key(records, batch, touched, &key),
                Some(user) if user.created > key.created => key.record.active = false,
                Some(_) => {}
            }
            batch.point(&records.keys_of, &key.row(), &key.id);
            touched.note(EntityName::AccessKey(key.id.clone()));
            batch.replace(&key)?;
            Ok(())
        })?;
        tracing::warn!(key = %it.id, user = %it.user, "an access key was found under a wrong name");
    }
    Ok(())
}

/// Commits of bounded size.
struct Portions<'a> {
    records: &'a Records,
    open: Batch,
    size: usize,
}

impl<'a> Portions<'a> {
    fn new(records: &'a Records) -> Self {
        Self { records, open: Batch::new(), size: 0 }
    }

    fn more(&mut self) -> Result<(), ApiError> {
        self.size += 1;
        if self.size < PORTION {
            return Ok(());
        }
        self.size = 0;
        std::mem::take(&mut self.open).commit(&*self.records.engine)?;
        Ok(())
    }

    fn commit(self) -> Result<(), ApiError> {
        if !self.open.is_empty() {
            self.open.commit(&*self.records.engine)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use common::time::Timestamp;
    use serde_json::json;
    use store::EngineConfig;

    use super::*;
    use crate::records::{AccessKey, Account, EVERYBODY, Image, Instance};

    const ACCOUNT: &str = "123456789012";

    /// An instance as the version before wrote it.
    fn instance(number: u64) -> Instance {
        serde_json::from_value(json!({
            "id": format!("i-{number:08x}"), "reservation": "r-00000001", "index": number,
            "account": ACCOUNT, "wanted": "running", "seen": "running", "since": 5,
            "reason": null, "generation": 1, "node": "a", "zone": "z", "told": true,
            "missing_since": null, "address": "10.0.0.2", "mac": "d0:0d:00:00:00:01",
            "image": "emi-00000001", "kernel": "eki-00000001", "ramdisk": null,
            "product_codes": [], "root_device": "/dev/sda1", "architecture": "x86_64",
            "instance_type": "m1.small", "cpus": 1, "memory_mib": 128, "disk_mib": 2048,
            "key": null, "groups": ["default"], "launched": 1_800_000_000_000u64,
            "client_token": null,
        }))
        .unwrap()
    }

    fn image(number: u64, public: bool) -> Image {
        serde_json::from_value(json!({
            "id": format!("emi-{number:08x}"), "account": ACCOUNT, "owner_alias": "taro",
            "bundle": {"location": "b/k", "manifest_sha256": "00"}, "name": format!("n{number}"),
            "description": null, "architecture": "x86_64", "kernel": null, "ramdisk": null,
            "root_device": "/dev/sda1", "mapping": [], "product_codes": [], "ancestors": [],
            "windows": false, "size": 5, "public": public, "state": "pending",
            "created": 1_800_000_000_000u64,
        }))
        .unwrap()
    }

    fn values(index: &Index, prefix: &str) -> Vec<String> {
        let rows = index.rows(prefix, None, 100);
        rows.map(|row| row.unwrap().value).collect()
    }

    #[test]
    fn a_store_of_the_version_before_gets_what_it_lacks_and_nothing_twice() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        let unordered = Index::new(records.engine.clone(), "instance-by-account");
        for number in (0..600).rev() {
            let mut batch = Batch::new();
            let it = instance(number);
            batch.insert(&it).unwrap();
            batch.point(&unordered, &format!("{ACCOUNT}/{}", it.id), it.id.as_str());
            batch.commit(&*records.engine).unwrap();
        }
        records.images.insert(image(1, true)).unwrap();
        records.images.insert(image(2, false)).unwrap();
        for _ in 0..2 {
            index_rows(&records).unwrap();
            let ids: Vec<_> = (0..600).map(|number| format!("i-{number:08x}")).collect();
            assert_eq!(values(&records.instances_of, &format!("{ACCOUNT}/")), ids);
            assert_eq!(values(&unordered, ""), Vec::<String>::new());
            let own = values(&records.images_for, &format!("{ACCOUNT}/"));
            assert_eq!(own, ["emi-00000001", "emi-00000002"]);
            assert_eq!(values(&records.images_for, &format!("{EVERYBODY}/")), ["emi-00000001"]);
        }
        let before = records.images_for.watch();
        index_rows(&records).unwrap();
        assert!(!before.has_changed().unwrap(), "nothing was lacking");
    }

    #[test]
    fn the_feed_is_told_of_many_in_few_commits() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        let account: AccountId = ACCOUNT.parse().unwrap();
        for number in 0..600 {
            let (name, id) = (format!("u{number:03}"), format!("AIDA{number}"));
            let at = Timestamp::EPOCH;
            records.users.insert(User::new(account.clone(), &name, "/", id, at)).unwrap();
        }
        let head = || {
            let seen = records.feed_heads.get(HEAD).unwrap().unwrap();
            (seen.rev(), seen.record.version)
        };
        records.begin_epoch().unwrap();
        let begun = head();
        index_rows(&records).unwrap();
        let told = head();
        // The last one notes that all are told.
        assert_eq!((told.0 - begun.0, told.1), (4, 600));
        index_rows(&records).unwrap();
        assert_eq!(head(), told, "nothing was lacking");
    }

    #[test]
    fn keys_under_a_name_as_it_was_given_are_found_again() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        let account = AccountId::cloud();
        let user = |name: &str, created: u64| -> User {
            serde_json::from_value(json!({"account": account, "name": name, "created": created}))
                .unwrap()
        };
        for (name, user_at, key_at) in
            [("Bob", Some(5), 5), ("Gone", None, 5), ("Again", Some(9), 5), ("low", Some(5), 5)]
        {
            let id = format!("AKI{name}");
            let key: AccessKey = serde_json::from_value(json!({
                "id": id, "secret": "s", "account": account, "user": name, "created": key_at,
            }))
            .unwrap();
            let mut batch = Batch::new();
            if let Some(at) = user_at {
                batch.insert(&user(name, at)).unwrap();
            }
            batch.insert(&key).unwrap();
            batch.point(&records.keys_of, &format!("{account}/{name}/{id}"), &id);
            batch.commit(&*records.engine).unwrap();
        }
        assert!(belongings::keys(&records, &user("Bob", 5)).unwrap().is_empty(), "as it was");
        for _ in 0..2 {
            index_rows(&records).unwrap();
            let found = |name: &str| {
                let keys = belongings::keys(&records, &user(name, 5)).unwrap();
                keys.iter().map(|key| key.active).collect::<Vec<_>>()
            };
            assert_eq!(found("bob"), [true]);
            assert_eq!(found("low"), [true]);
            assert_eq!(found("again"), [false], "whoever has the name now did not get it");
            assert_eq!(found("gone"), [false; 0]);
            assert!(records.access_keys.get("AKIGone").unwrap().is_none());
            let rows = values(&records.keys_of, &format!("{account}/"));
            assert_eq!(rows, ["AKIAgain", "AKIBob", "AKIlow"]);
        }
    }

    #[test]
    fn identities_of_before_the_feed_are_told_once() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        records.begin_epoch().unwrap();
        let (account, at): (AccountId, _) = (ACCOUNT.parse().unwrap(), Timestamp::from_secs(5));
        records.accounts.insert(Account::new(account.clone(), "taro", at)).unwrap();
        let user = User::new(account.clone(), "admin", "/", String::new(), at);
        records.users.insert(user).unwrap();
        let (id, secret, user) = ("AKI1".to_owned(), "s".to_owned(), "admin".to_owned());
        let key = AccessKey {
            id,
            secret,
            account,
            user,
            created: at,
            active: true,
            holder: String::new(),
        };
        records.access_keys.insert(key).unwrap();
        let whole = || records.feed_heads.get(HEAD).unwrap().unwrap().whole;
        assert!(!whole());
        for _ in 0..2 {
            index_rows(&records).unwrap();
            let told = [
                format!("account/{ACCOUNT}"),
                format!("user/{ACCOUNT}/admin"),
                "access-key/AKI1".to_owned(),
            ];
            assert_eq!(values(&records.feed, ""), told);
            assert_eq!(values(&records.keys_of, &format!("{ACCOUNT}/admin/")), ["AKI1"]);
            assert!(whole());
            records.begin_epoch().unwrap();
        }
    }
}
