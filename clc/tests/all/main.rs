//! The cloud controller over real sockets: every action by signed requests, its peers played by
//! stubs that speak the real messages.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod accounts;
mod administration;
mod apis;
mod audit;
mod browser;
mod bundles;
mod console;
mod console_admin_people;
mod console_attacks;
mod console_cloud;
mod console_compute;
mod console_credentials;
mod console_iam;
mod console_people;
mod console_pictures;
mod console_proof;
mod console_storage;
mod create_image;
mod devices;
mod iam_accounts;
mod iam_certificates;
mod iam_groups;
mod iam_keys;
mod iam_logins;
mod iam_policies;
mod iam_users;
mod identities;
mod image_attributes;
mod images;
mod importing;
mod instance_profiles;
mod instances;
mod keys;
mod lapses;
mod launches;
mod listings;
mod metadata_options;
mod people;
mod power;
mod quotas;
mod rehearsals;
mod repeated;
mod restart;
mod saving;
mod second_factors;
mod sessions;
mod shapes;
mod status;
mod tags;
mod types;
mod whole_disks;
mod world;
mod zones;
