//! What an administrator may change while the cloud runs: one table of names, meanings, defaults
//! and rules. What is not on record has its default.

mod names;
mod table;

use common::error::{ApiError, ErrorCode};
use common::id::{AccountId, ImageId, ImageKind};
use common::s3::BucketName;
use common::wire::admin::SettingView;
use store::Batch;

use self::names::ACCOUNT;
pub use self::names::{
    ACCESS_KEYS_PER_USER, ALLOW_UNSIGNED, APPROVAL_NOTE, BUCKET_MEGABYTES, BUCKETS_PER_ACCOUNT,
    CACHE_MEGABYTES, CERTIFICATES_PER_USER, CHANGES_PER_MINUTE, CLOUD_NAME, CONFIRM_HOURS,
    DEFAULT_KERNEL, DEFAULT_RAMDISK, FIRST_TIME, FIRST_TIME_DONE, FIRST_TIME_WAITS, IMAGE_BUCKET,
    IMAGE_VISIBILITY, LANGUAGE, PAGES_PER_MINUTE, PUBLIC_HOST, REAUTHENTICATE_MINUTES,
    RECOVER_MINUTES, REJECTION_NOTE, REPLY_ADDRESS, SESSION_HOURS, SESSION_IDLE_MINUTES,
    SIGN_INS_PER_MINUTE, SIGNUP_ADDRESS, SIGNUP_SUBJECT, STREAMS_PER_MINUTE,
};
use self::table::{Row, TABLE};
use crate::random;
use crate::records::{Records, Setting};

/// The value of a setting. Blocks.
///
/// # Errors
/// If the store fails.
pub fn get(records: &Records, name: &str) -> Result<String, ApiError> {
    let default = TABLE.iter().find(|row| row.name == name).map_or("", |row| row.default);
    Ok(on_record(records, name)?.unwrap_or_else(|| default.to_owned()))
}

/// The value of a setting that is a number. Blocks.
///
/// # Errors
/// If the store fails.
pub fn number(records: &Records, name: &str) -> Result<usize, ApiError> {
    let value = get(records, name)?;
    value.parse().map_err(|error| ApiError::internal(format!("{name} is no number"), error))
}

/// The value that an administrator has given a setting; `None` while nobody has. Blocks.
///
/// # Errors
/// If the store fails.
pub fn on_record(records: &Records, name: &str) -> Result<Option<String>, ApiError> {
    Ok(records.settings.get(name)?.map(|seen| seen.record.value))
}

/// The image that a setting names, if it names one. Blocks.
///
/// # Errors
/// If the store fails.
pub fn image(records: &Records, name: &str) -> Result<Option<ImageId>, ApiError> {
    Ok(get(records, name)?.parse().ok())
}

/// The bucket into which CreateImage puts an account's images: the one that the setting names, or,
/// once [`keep_image_bucket`] has put another on record, that one. Blocks.
///
/// # Errors
/// If the store fails.
pub fn image_bucket(records: &Records, account: &AccountId) -> Result<BucketName, ApiError> {
    let named = named_bucket(records, account)?;
    let kept = on_record(records, &kept_as(account))?;
    // What was drawn belongs to the setting as it was then.
    let kept = kept.filter(|kept| kept.starts_with(&format!("{named}-")));
    kept.unwrap_or(named).parse()
}

/// Another bucket for an account's images, for when the one that the setting names is somebody
/// else's: nobody can guess this one, and so nobody can take it before its owner. Blocks.
///
/// # Errors
/// If the store fails, there is no chance to be had, or the name would be too long.
pub fn other_image_bucket(records: &Records, account: &AccountId) -> Result<BucketName, ApiError> {
    let number = u64::from_be_bytes(random::bytes()?);
    format!("{}-{number:016x}", named_bucket(records, account)?).parse()
}

/// Adds to a batch: an account's images go into this bucket from now on. Blocks.
///
/// # Errors
/// If the store fails.
pub fn keep_image_bucket(
    records: &Records,
    batch: &mut Batch,
    account: &AccountId,
    bucket: &BucketName,
) -> Result<(), ApiError> {
    put(records, batch, &kept_as(account), bucket.as_str())
}

/// Adds to a batch: an account that goes has no bucket for images any more. Blocks.
///
/// # Errors
/// If the store fails.
pub fn forget_image_bucket(
    records: &Records,
    batch: &mut Batch,
    account: &AccountId,
) -> Result<(), ApiError> {
    if let Some(seen) = records.settings.get(&kept_as(account))? {
        batch.remove(&seen);
    }
    Ok(())
}

fn named_bucket(records: &Records, account: &AccountId) -> Result<String, ApiError> {
    Ok(get(records, IMAGE_BUCKET)?.replace(ACCOUNT, account.as_str()))
}

/// Under which name an account's own bucket is on record; no administrator sees or changes it.
fn kept_as(account: &AccountId) -> String {
    format!("{IMAGE_BUCKET}/{account}")
}

/// The default's name for kernels and ramdisks.
pub fn default_of(kind: ImageKind) -> Option<&'static str> {
    match kind {
        ImageKind::Machine => None,
        ImageKind::Kernel => Some(DEFAULT_KERNEL),
        ImageKind::Ramdisk => Some(DEFAULT_RAMDISK),
    }
}

/// Adds to a batch: the setting gets this value, unless somebody changes it meanwhile. Blocks.
///
/// # Errors
/// If the store fails.
pub fn put(records: &Records, batch: &mut Batch, name: &str, value: &str) -> Result<(), ApiError> {
    match records.settings.get(name)? {
        Some(mut seen) => {
            value.clone_into(&mut seen.record.value);
            batch.replace(&seen)?;
        }
        None => {
            batch.insert(&Setting { name: name.to_owned(), value: value.to_owned() })?;
        }
    }
    Ok(())
}

/// All settings with their values and meanings, by name. Blocks.
///
/// # Errors
/// If the store fails.
pub fn list(records: &Records) -> Result<Vec<SettingView>, ApiError> {
    let mut views = Vec::new();
    for row in TABLE {
        let own = on_record(records, row.name)?;
        views.push(SettingView {
            name: row.name.to_owned(),
            changed: own.is_some(),
            value: own.unwrap_or_else(|| row.default.to_owned()),
            meaning: row.meaning.to_owned(),
            default: row.default.to_owned(),
            unit: row.unit.to_owned(),
        });
    }
    views.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(views)
}

/// A row, by its name in any case.
fn find(name: &str) -> Result<&'static Row, ApiError> {
    TABLE.iter().find(|row| row.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
        let names: Vec<_> = TABLE.iter().map(|row| row.name).collect();
        let text = format!("There is no property '{name}'; there are {}", names.join(", "));
        ApiError::new(ErrorCode::InvalidParameterValue, text)
    })
}

/// Whether there is such a setting.
///
/// # Errors
/// `InvalidParameterValue` if there is none; it names those that there are.
pub fn is_one(name: &str) -> Result<(), ApiError> {
    find(name).map(drop)
}

/// A setting that was changed: its name, its value, and what it was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// What it was.
    pub before: String,
}

/// Changes several settings in one commit, all of them or none. Blocks.
///
/// # Errors
/// As [`check`], for the first that breaks its rule.
pub fn change_all(
    records: &Records,
    wanted: &[(String, String)],
) -> Result<Vec<Changed>, ApiError> {
    let changed = store::transact(&*records.engine, |batch| {
        let mut changed: Vec<Changed> = Vec::new();
        for (name, value) in wanted {
            let (name, value) = check(records, name, value)?;
            if changed.iter().any(|it| it.name == name) {
                return Err(ApiError::invalid(name, "it is named twice"));
            }
            let before = get(records, name)?;
            put(records, batch, name, &value)?;
            changed.push(Changed { name: name.to_owned(), value, before });
        }
        Ok::<_, ApiError>(changed)
    })?;
    Ok(changed.0)
}

/// Gives a setting its default again. Blocks.
///
/// # Errors
/// `InvalidParameterValue` for a name that is none; if the store fails.
pub fn reset(records: &Records, name: &str) -> Result<Changed, ApiError> {
    let row = find(name)?;
    let changed = store::transact(&*records.engine, |batch| {
        let before = get(records, row.name)?;
        if row.name == CACHE_MEGABYTES {
            // Walrus keeps the limit that it was told last: it has to be told the default.
            put(records, batch, row.name, row.default)?;
        } else if let Some(seen) = records.settings.get(row.name)? {
            batch.remove(&seen);
        }
        Ok::<_, ApiError>(Changed {
            name: row.name.to_owned(),
            value: row.default.to_owned(),
            before,
        })
    })?;
    Ok(changed.0)
}

/// Whether a setting could be changed so; gives its name and its value as they would be kept. Blocks.
///
/// # Errors
/// `InvalidParameterValue` for a name that is none and a value that breaks its rule.
pub fn check(
    records: &Records,
    name: &str,
    value: &str,
) -> Result<(&'static str, String), ApiError> {
    let row = find(name)?;
    let value = value.trim();
    (row.rule)(records, value).map_err(|why| ApiError::invalid(row.name, why))?;
    // An id is printed in lower case and read in any.
    let value = value.parse::<ImageId>().map_or_else(|_| value.to_owned(), |id| id.to_string());
    Ok((row.name, value))
}

/// Changes a setting; its name is read in any case. Blocks.
///
/// # Errors
/// As [`check`].
pub fn change(records: &Records, name: &str, value: &str) -> Result<(), ApiError> {
    let (name, value) = check(records, name, value)?;
    store::transact(&*records.engine, |batch| put(records, batch, name, &value))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use store::EngineConfig;

    use super::*;

    #[test]
    fn settings_have_defaults_and_rules() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        assert_eq!(get(&records, CACHE_MEGABYTES).unwrap(), "30720");
        change(&records, "Walrus.StorageMaxCacheSizeInMB", " 100 ").unwrap();
        change(&records, CACHE_MEGABYTES, "101").unwrap();
        assert_eq!(get(&records, CACHE_MEGABYTES).unwrap(), "101");
        for (name, value) in [
            (CACHE_MEGABYTES, "0"),
            (CACHE_MEGABYTES, "many"),
            (IMAGE_VISIBILITY, "secret"),
            (ALLOW_UNSIGNED, "perhaps"),
            (DEFAULT_KERNEL, "eki-00000001"),
            (ACCESS_KEYS_PER_USER, "0"),
            (CERTIFICATES_PER_USER, "101"),
            (DEFAULT_RAMDISK, "nonsense"),
            ("no.such", "1"),
        ] {
            let error = change(&records, name, value).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidParameterValue, "{name}");
            assert!(error.text().contains(name), "{error}");
        }
        change(&records, DEFAULT_KERNEL, "").unwrap();

        let wish = |pairs: &[(&str, &str)]| {
            let own = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            change_all(&records, &own.collect::<Vec<_>>())
        };
        let error = wish(&[(CACHE_MEGABYTES, "7"), (LANGUAGE, "fr")]).unwrap_err();
        assert!(error.text().contains(LANGUAGE), "{error}");
        assert_eq!(get(&records, CACHE_MEGABYTES).unwrap(), "101", "all or none");
        assert!(wish(&[(LANGUAGE, "ja"), (LANGUAGE, "en")]).is_err());
        let changed = wish(&[(CACHE_MEGABYTES, "7"), (LANGUAGE, "ja")]).unwrap();
        assert_eq!((changed[0].before.as_str(), changed[1].value.as_str()), ("101", "ja"));
        assert_eq!(reset(&records, "People.Language").unwrap().before, "ja");
        assert_eq!(on_record(&records, LANGUAGE).unwrap(), None);
        reset(&records, CACHE_MEGABYTES).unwrap();
        assert_eq!(on_record(&records, CACHE_MEGABYTES).unwrap().as_deref(), Some("30720"));
        assert!(reset(&records, "no.such").is_err());
        assert_eq!(list(&records).unwrap().len(), TABLE.len());
    }
}
