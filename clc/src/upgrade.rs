//! Index rows that earlier versions of the cloud did not write, written when it starts. Whatever
//! is there already is left alone, so a start that was cut short is made good by the next.

use common::error::ApiError;
use common::iam::EntityName;
use store::{After, Batch, Index};

use crate::records::Records;
use crate::records::feed::HEAD;

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
        untold.add(EntityName::Account(seen?.record.number), None)?;
    }
    for seen in records.users.all("") {
        let user = seen?.record;
        untold.add(EntityName::user(&user.account, &user.name), None)?;
    }
    for seen in records.access_keys.all("") {
        let key = seen?.record;
        let row = format!("{}/{}/{}", key.account, key.user, key.id);
        untold.add(EntityName::AccessKey(key.id.clone()), Some((row, key.id)))?;
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
    use common::id::AccountId;
    use common::time::Timestamp;
    use serde_json::json;
    use store::EngineConfig;

    use super::*;
    use crate::records::{AccessKey, Account, EVERYBODY, Image, Instance, User};

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
    fn identities_of_before_the_feed_are_told_once() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        records.begin_epoch().unwrap();
        let (account, at): (AccountId, _) = (ACCOUNT.parse().unwrap(), Timestamp::from_secs(5));
        records.accounts.insert(Account::new(account.clone(), "taro", at)).unwrap();
        let user = User::new(account.clone(), "admin", "/", String::new(), at);
        records.users.insert(user).unwrap();
        let (id, secret, user) = ("AKI1".to_owned(), "s".to_owned(), "admin".to_owned());
        let key = AccessKey { id, secret, account, user, created: at, active: true };
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
