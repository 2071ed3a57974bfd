//! What settings are called.

/// The kernel of images that name none; empty: the next that is registered.
pub const DEFAULT_KERNEL: &str = "cloud.default_kernel";
/// The ramdisk of images that name none; empty: the next that is registered.
pub const DEFAULT_RAMDISK: &str = "cloud.default_ramdisk";
/// Who may run a machine image that was just registered.
pub const IMAGE_VISIBILITY: &str = "cloud.default_image_visibility";
/// The bucket into which CreateImage puts an account's images, with the account's number in the
/// place of `ACCOUNT`.
pub const IMAGE_BUCKET: &str = "cloud.image_bucket";
/// Whether manifests without a signature may be registered.
pub const ALLOW_UNSIGNED: &str = "cloud.allow_unsigned_manifests";
/// The limit of walrus' unbundle cache, under 2.0's name.
pub const CACHE_MEGABYTES: &str = "walrus.storagemaxcachesizeinmb";

/// How many buckets an account may have for which no quota is set, under 2.0's name.
pub const BUCKETS_PER_ACCOUNT: &str = "walrus.storagemaxbucketsperuser";
/// How large a bucket may be for which no quota is set, under 2.0's name.
pub const BUCKET_MEGABYTES: &str = "walrus.storagemaxbucketsizeinmb";

/// What stands for an account's number in [`IMAGE_BUCKET`].
pub(super) const ACCOUNT: &str = "ACCOUNT";

/// Where applications of users are told; empty: none are taken.
pub const SIGNUP_ADDRESS: &str = "people.signup_address";
/// What the subject of such a mail begins with.
pub const SIGNUP_SUBJECT: &str = "people.signup_subject";
/// Where answers to mails go; empty: to their sender.
pub const REPLY_ADDRESS: &str = "people.reply_address";
/// What the cloud is called in mails.
pub const CLOUD_NAME: &str = "people.cloud_name";
/// The language of mails to those who have not said theirs.
pub const LANGUAGE: &str = "people.language";
/// What is written under the mail to one who was approved.
pub const APPROVAL_NOTE: &str = "people.approval_note";
/// What is written under the mail to one who was rejected.
pub const REJECTION_NOTE: &str = "people.rejection_note";
/// How long the link of a confirmation is good, hours.
pub const CONFIRM_HOURS: &str = "people.confirm_hours";
/// How long the link of a recovery is good, minutes.
pub const RECOVER_MINUTES: &str = "people.recover_minutes";

/// The name or address under which users reach the cloud; empty: the one of clc.toml.
pub const PUBLIC_HOST: &str = "cloud.public_host";
/// After how many minutes without use a session of the console is over.
pub const SESSION_IDLE_MINUTES: &str = "console.session_idle_minutes";
/// After how many hours a session of the console is over.
pub const SESSION_HOURS: &str = "console.session_hours";
/// For how many minutes a proof of who somebody is holds for what is dangerous at the console.
pub const REAUTHENTICATE_MINUTES: &str = "console.reauthenticate_minutes";
/// How many pages a session, or an address from which nobody is signed in, may load in a minute.
pub const PAGES_PER_MINUTE: &str = "console.pages_per_minute";
/// How many changes they may make in a minute.
pub const CHANGES_PER_MINUTE: &str = "console.changes_per_minute";
/// How often an address may try to sign in, in a minute.
pub const SIGN_INS_PER_MINUTE: &str = "console.sign_ins_per_minute";
/// How many pages a session may begin to follow in a minute.
pub const STREAMS_PER_MINUTE: &str = "console.streams_per_minute";
/// How far the first-time configuration of the console is; no administrator sees or changes it.
pub const FIRST_TIME: &str = "console.first_time";
/// The administrator has the first password and nothing else.
pub const FIRST_TIME_WAITS: &str = "waits";
/// It was done.
pub const FIRST_TIME_DONE: &str = "done";

/// How many access keys a user may have, under 4.x's name.
pub const ACCESS_KEYS_PER_USER: &str = "authentication.access_keys_limit";
/// How many active signing certificates a user may have, under 4.x's name.
pub const CERTIFICATES_PER_USER: &str = "authentication.signing_certificates_limit";
