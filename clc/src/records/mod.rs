//! What lasts: the records of the cloud, one file per family, and the indexes that lead to them.
//!
//! ```text
//!   account ── user ── access-key          alias, without case → account
//!      │         └──── certificate         name of an image    → image
//!      ├── image                           id of a key pair    → key pair
//!      ├── key-pair                        account, node       → instance
//!      ├── instance
//!      └── launch (client token)           setting, cloud-key
//! ```
//!
//! A record holds wishes and what was seen, never what is alive; that is the actors'. Index rows
//! are written in the commit of the record they lead to.

pub mod accounts;
pub mod images;
pub mod instances;
pub mod keys;
mod record;
mod settings;

use std::sync::Arc;

use common::error::ApiError;
use runtime::pool;
use store::{Batch, Engine, Index, Schema, Table};

pub use accounts::{AccessKey, Account, Certificate, CloudKey, User};
pub use images::{Image, ImageState};
pub use instances::{Instance, Launch, Reason, SeenState, Wanted};
pub use keys::KeyPair;
pub use settings::Setting;

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
    /// Certificates by `ACCOUNT/ID`.
    pub certificates: Table<Certificate>,
    /// The cloud's own certificate.
    pub cloud_keys: Table<CloudKey>,
    /// Images by id.
    pub images: Table<Image>,
    /// `ACCOUNT/NAME` → image id.
    pub image_names: Index,
    /// Key pairs by `ACCOUNT/NAME`.
    pub key_pairs: Table<KeyPair>,
    /// Instances by id.
    pub instances: Table<Instance>,
    /// `ACCOUNT/INSTANCE` → instance id.
    pub instances_of: Index,
    /// `NODE/INSTANCE` → instance id, as long as the instance is recorded.
    pub instances_on: Index,
    /// Launches by `ACCOUNT/TOKEN`.
    pub launches: Table<Launch>,
    /// Settings by name.
    pub settings: Table<Setting>,
}

impl Records {
    /// The tables a store of the clc has, with their versions.
    pub fn schema() -> Schema {
        Schema::new()
            .with::<Account>()
            .with::<User>()
            .with::<AccessKey>()
            .with::<Certificate>()
            .with::<CloudKey>()
            .with::<Image>()
            .with::<KeyPair>()
            .with::<Instance>()
            .with::<Launch>()
            .with::<Setting>()
    }

    /// The records in a store.
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self {
            accounts: Table::new(engine.clone()),
            aliases: Index::new(engine.clone(), "account-by-alias"),
            users: Table::new(engine.clone()),
            access_keys: Table::new(engine.clone()),
            certificates: Table::new(engine.clone()),
            cloud_keys: Table::new(engine.clone()),
            images: Table::new(engine.clone()),
            image_names: Index::new(engine.clone(), "image-by-name"),
            key_pairs: Table::new(engine.clone()),
            instances: Table::new(engine.clone()),
            instances_of: Index::new(engine.clone(), "instance-by-account"),
            instances_on: Index::new(engine.clone(), "instance-by-node"),
            launches: Table::new(engine.clone()),
            settings: Table::new(engine.clone()),
            engine,
        }
    }

    /// Writes the index rows that lead to an instance.
    pub fn point(&self, batch: &mut Batch, instance: &Instance) {
        let id = instance.id.as_str();
        batch.point(&self.instances_of, &format!("{}/{id}", instance.account), id);
        batch.point(&self.instances_on, &format!("{}/{id}", instance.node), id);
    }

    /// Removes the index rows that lead to an instance.
    pub fn unpoint(&self, batch: &mut Batch, instance: &Instance) {
        let id = instance.id.as_str();
        batch.unpoint(&self.instances_of, &format!("{}/{id}", instance.account));
        batch.unpoint(&self.instances_on, &format!("{}/{id}", instance.node));
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
