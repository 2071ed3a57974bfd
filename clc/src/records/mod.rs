//! What lasts: the records of the cloud, one file per family, and the indexes that lead to them.
//!
//! ```text
//!   account ── user ── access-key          alias, without case → account
//!      │         ├──── certificate         name of an image    → image
//!      │         └──── group               identity-feed: what changed, in order
//!      ├── role ── instance-profile        policy              → what it is attached to
//!      ├── managed-policy
//!      ├── image                           id of a key pair    → key pair
//!      ├── key-pair                        account, node       → instance
//!      │                                   who may see it      → image
//!      ├── instance                           account, node       → bundle task
//!      ├── bundle-task                        instance            → the one that runs
//!      ├── tag                             resource            → tags on it
//!      ├── launch (client token)           setting, cloud-key
//!      ├── login, mfa-device, link-token   people-request, mail, zone-group
//!      ├── console-session                 account, user       → console session
//!      └── usage-day, usage-metered
//! ```
//!
//! A record holds wishes and what was seen, never what is alive; that is the actors'. Index rows
//! are written in the commit of the record they lead to.

pub mod accounts;
pub mod attachments;
mod bundled;
pub mod bundles;
mod changes;
mod console;
pub mod feed;
pub mod groups;
pub mod images;
mod imported;
pub mod imports;
pub mod instances;
mod key_uses;
pub mod keys;
mod nodes;
mod open;
pub mod people;
pub mod policies;
mod record;
pub mod roles;
mod settings;
pub mod tagged;
pub mod tags;
mod usage;

use std::sync::Arc;

use common::error::ApiError;
use runtime::pool;
use store::{Batch, Engine, Index, Schema, Table};

pub use accounts::{AccessKey, Account, Certificate, CloudKey, SessionSecret, User};
pub use bundles::{BundleTask, Draft, Leave, Stage};
pub use console::ConsoleSession;
pub use feed::{FeedHead, Touched};
pub use groups::Group;
pub use images::{EVERYBODY, Image, ImageState};
pub use imports::{ImportStage, ImportTask};
pub use instances::{Association, Instance, Launch, MappedDisk, Reason, Run, SeenState, Wanted};
pub use key_uses::KeyUse;
pub use keys::KeyPair;
pub use nodes::{NodeRule, Rule};
pub use people::{
    Asked, Errand, Failures, FailuresKey, Leaving, LinkToken, Login, MfaDevice, PasswordRules,
    QueuedMail, Registration, Request, ZoneGroup,
};
pub use policies::{ManagedPolicy, PolicyVersion};
pub use roles::{InstanceProfile, Role};
pub use settings::Setting;
pub use tags::{ResourceKind, TagMap, Tags};
pub use usage::{Metered, StoredUse, TypeUse, UsageDay};

/// All tables and indexes. Cheap to clone.
#[derive(Clone)]
pub struct Records {
    /// The store itself, for commits over several tables.
    pub engine: Arc<dyn Engine>,
    /// Accounts by number.
    pub accounts: Table<Account>,
    /// Account aliases in lower case → account number.
    pub aliases: Index,
    /// Users by `ACCOUNT/NAME`.
    pub users: Table<User>,
    /// Access keys by id.
    pub access_keys: Table<AccessKey>,
    /// `ACCOUNT/USER/KEY` → access key id: a user's.
    pub keys_of: Index,
    /// When access keys were used last, by their ids.
    pub key_uses: Table<KeyUse>,
    /// Groups by `ACCOUNT/NAME`.
    pub groups: Table<Group>,
    /// `ACCOUNT/GROUP/USER` → user's key: who is in a group.
    pub members: Index,
    /// Managed policies by `ACCOUNT/NAME`.
    pub policies: Table<ManagedPolicy>,
    /// `POLICY-ARN|KIND/ACCOUNT/NAME` → kind of what it is attached to: `user`, `group`, `role`, or
    /// `boundary-user`, `boundary-role`.
    pub attachments: Index,
    /// Roles by `ACCOUNT/NAME`.
    pub roles: Table<Role>,
    /// Instance profiles by `ACCOUNT/NAME`.
    pub profiles: Table<InstanceProfile>,
    /// `ACCOUNT/ROLE/PROFILE` → the profile's key.
    pub profiles_of: Index,
    /// The secrets behind temporary credentials, by id.
    pub session_secrets: Table<SessionSecret>,
    /// Where the feed of identity ends.
    pub feed_heads: Table<FeedHead>,
    /// Number of a change → entity.
    pub feed: Index,
    /// Entity → the number of its last change.
    pub feed_of: Index,
    /// Certificates by `ACCOUNT/ID`.
    pub certificates: Table<Certificate>,
    /// The cloud's own certificate.
    pub cloud_keys: Table<CloudKey>,
    /// Images by id.
    pub images: Table<Image>,
    /// `ACCOUNT/NAME` → image id.
    pub image_names: Index,
    /// `VIEWER/IMAGE` → image id, for each that may see a registered image: an account, or `all`.
    pub images_for: Index,
    /// Key pairs by `ACCOUNT/NAME`.
    pub key_pairs: Table<KeyPair>,
    /// Instances by id.
    pub instances: Table<Instance>,
    /// `ACCOUNT/LAUNCHED/RESERVATION/NUMBER` → instance id: an account's, oldest launch first.
    pub instances_of: Index,
    /// `NODE/INSTANCE` → instance id, as long as the instance is recorded.
    pub instances_on: Index,
    /// Id of an association → instance id: those that have an instance profile.
    pub associations: Index,
    /// Instances being saved, by the task's id.
    pub bundle_tasks: Table<BundleTask>,
    /// `ACCOUNT/STARTED/TASK` → task id: an account's, oldest first.
    pub bundles_of: Index,
    /// `NODE/TASK` → task id, as long as the task is recorded.
    pub bundles_on: Index,
    /// Instance id → the task that saves it, until that has ended.
    pub bundling: Index,
    /// Disks being imported, by the task's id.
    pub imports: Table<ImportTask>,
    /// `ACCOUNT/STARTED/TASK` → import task id: an account's, oldest first.
    pub imports_of: Index,
    /// `ACCOUNT/TOKEN` → import task id.
    pub import_tokens: Index,
    /// Launches by `ACCOUNT/TOKEN`.
    pub launches: Table<Launch>,
    /// Settings by name.
    pub settings: Table<Setting>,
    /// What accounts wrote on resources, by `ACCOUNT/RESOURCE`.
    pub tags: Table<Tags>,
    /// `RESOURCE/ACCOUNT` → key of those tags.
    pub tags_of: Index,
    /// `ACCOUNT` or `ACCOUNT/MAKER` → nothing: written by each commit that a quota of theirs counts.
    pub turns: Index,
    /// Login profiles by `ACCOUNT/USER`.
    pub logins: Table<Login>,
    /// Rules for passwords by account.
    pub password_rules: Table<PasswordRules>,
    /// Links that were sent, by the digest of their token.
    pub link_tokens: Table<LinkToken>,
    /// What strangers asked for, oldest first.
    pub requests: Table<Request>,
    /// Mails on their way, oldest first.
    pub mails: Table<QueuedMail>,
    /// Failed attempts to log in, by slot.
    pub failures: Table<Failures>,
    /// The secret behind their slots.
    pub failures_key: Table<FailuresKey>,
    /// Second factors by `ACCOUNT/NAME`.
    pub mfa_devices: Table<MfaDevice>,
    /// `ACCOUNT/USER` → the key of their second factor.
    pub mfa_of: Index,
    /// `TIME/ACCOUNT` → number: accounts that have applied and that nobody has decided about yet,
    /// among others that wait no longer.
    pub applicants: Index,
    /// Account number → the same: accounts that are being deleted.
    pub leaving: Index,
    /// Zone groups by name, in lower case.
    pub zone_groups: Table<ZoneGroup>,
    /// Who is signed in at the console, by the digest of the session's id.
    pub console_sessions: Table<ConsoleSession>,
    /// What administrators have said of nodes, by their names.
    pub node_rules: Table<NodeRule>,
    /// `ACCOUNT/USER/DIGEST` → digest: a user's sessions.
    pub console_sessions_of: Index,
    /// What accounts used, by `DAY/ACCOUNT`.
    pub usage_days: Table<UsageDay>,
    /// Until when that has been added up.
    pub metered: Table<Metered>,
}

impl Records {
    /// The tables a store of the clc has, with their versions.
    pub fn schema() -> Schema {
        Schema::new()
            .with::<Account>()
            .with::<User>()
            .with::<AccessKey>()
            .with::<KeyUse>()
            .with::<Group>()
            .with::<ManagedPolicy>()
            .with::<Role>()
            .with::<InstanceProfile>()
            .with::<SessionSecret>()
            .with::<FeedHead>()
            .with::<Certificate>()
            .with::<CloudKey>()
            .with::<Image>()
            .with::<KeyPair>()
            .with::<Instance>()
            .with::<BundleTask>()
            .with::<ImportTask>()
            .with::<Launch>()
            .with::<Setting>()
            .with::<Tags>()
            .with::<Login>()
            .with::<PasswordRules>()
            .with::<LinkToken>()
            .with::<Request>()
            .with::<QueuedMail>()
            .with::<Failures>()
            .with::<FailuresKey>()
            .with::<MfaDevice>()
            .with::<ZoneGroup>()
            .with::<ConsoleSession>()
            .with::<NodeRule>()
            .with::<UsageDay>()
            .with::<Metered>()
    }

    /// The records in a store.
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self {
            accounts: Table::new(engine.clone()),
            aliases: Index::new(engine.clone(), "account-by-alias"),
            users: Table::new(engine.clone()),
            access_keys: Table::new(engine.clone()),
            keys_of: Index::new(engine.clone(), "access-key-by-user"),
            key_uses: Table::new(engine.clone()),
            groups: Table::new(engine.clone()),
            members: Index::new(engine.clone(), "group-members"),
            policies: Table::new(engine.clone()),
            attachments: Index::new(engine.clone(), "policy-attachments"),
            roles: Table::new(engine.clone()),
            profiles: Table::new(engine.clone()),
            profiles_of: Index::new(engine.clone(), "instance-profile-by-role"),
            session_secrets: Table::new(engine.clone()),
            feed_heads: Table::new(engine.clone()),
            feed: Index::new(engine.clone(), "identity-feed"),
            feed_of: Index::new(engine.clone(), "identity-feed-of"),
            certificates: Table::new(engine.clone()),
            cloud_keys: Table::new(engine.clone()),
            images: Table::new(engine.clone()),
            image_names: Index::new(engine.clone(), "image-by-name"),
            images_for: Index::new(engine.clone(), "image-by-viewer"),
            key_pairs: Table::new(engine.clone()),
            instances: Table::new(engine.clone()),
            instances_of: Index::new(engine.clone(), "instance-by-launch"),
            instances_on: Index::new(engine.clone(), "instance-by-node"),
            associations: Index::new(engine.clone(), "instance-by-association"),
            bundle_tasks: Table::new(engine.clone()),
            bundles_of: Index::new(engine.clone(), "bundle-by-account"),
            bundles_on: Index::new(engine.clone(), "bundle-by-node"),
            bundling: Index::new(engine.clone(), "bundle-by-instance"),
            imports: Table::new(engine.clone()),
            imports_of: Index::new(engine.clone(), "import-by-account"),
            import_tokens: Index::new(engine.clone(), "import-by-token"),
            launches: Table::new(engine.clone()),
            settings: Table::new(engine.clone()),
            tags: Table::new(engine.clone()),
            tags_of: Index::new(engine.clone(), "tags-by-resource"),
            turns: Index::new(engine.clone(), "quota-turns"),
            logins: Table::new(engine.clone()),
            password_rules: Table::new(engine.clone()),
            link_tokens: Table::new(engine.clone()),
            requests: Table::new(engine.clone()),
            mails: Table::new(engine.clone()),
            failures: Table::new(engine.clone()),
            failures_key: Table::new(engine.clone()),
            mfa_devices: Table::new(engine.clone()),
            mfa_of: Index::new(engine.clone(), "mfa-device-by-user"),
            applicants: Index::new(engine.clone(), "account-applied"),
            leaving: Index::new(engine.clone(), "account-leaving"),
            zone_groups: Table::new(engine.clone()),
            console_sessions: Table::new(engine.clone()),
            node_rules: Table::new(engine.clone()),
            console_sessions_of: Index::new(engine.clone(), "console-session-by-user"),
            usage_days: Table::new(engine.clone()),
            metered: Table::new(engine.clone()),
            engine,
        }
    }

    /// The key of an instance among those of its account.
    pub fn instance_key(it: &Instance) -> String {
        let launched = it.launched.as_millis();
        format!("{}/{launched:013}/{}/{:05}", it.account, it.reservation, it.index)
    }

    /// The keys by which those who may see an image find it.
    pub fn image_keys(it: &Image) -> impl Iterator<Item = String> {
        it.viewers().into_iter().map(|viewer| format!("{viewer}/{}", it.id))
    }

    /// Writes the rows by which an image is listed as it is `now`, and removes those by which it
    /// was `before` and is no longer.
    pub fn list(&self, batch: &mut Batch, before: Option<&Image>, now: &Image) {
        for key in before.into_iter().flat_map(Self::image_keys) {
            batch.unpoint(&self.images_for, &key);
        }
        for key in Self::image_keys(now) {
            batch.point(&self.images_for, &key, now.id.as_str());
        }
    }

    /// Writes the index rows that lead to an instance.
    pub fn point(&self, batch: &mut Batch, instance: &Instance) {
        let id = instance.id.as_str();
        batch.point(&self.instances_of, &Self::instance_key(instance), id);
        batch.point(&self.instances_on, &format!("{}/{id}", instance.node), id);
        if let Some(association) = &instance.profile {
            batch.point(&self.associations, &association.id, id);
        }
    }

    /// Removes the index rows that lead to an instance.
    pub fn unpoint(&self, batch: &mut Batch, instance: &Instance) {
        let id = instance.id.as_str();
        batch.unpoint(&self.instances_of, &Self::instance_key(instance));
        batch.unpoint(&self.instances_on, &format!("{}/{id}", instance.node));
        if let Some(association) = &instance.profile {
            batch.unpoint(&self.associations, &association.id);
        }
    }

    /// Does work with the records on a thread that may wait for the disk.
    ///
    /// # Errors
    /// Those of the work.
    pub async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let records = self.clone();
        pool::block(move || work(&records)).await?
    }
}
