//! Passwords: made into hashes, compared with them, and what a new one must be like.
//!
//! A hash is argon2id with 19 MiB and two passes, 16 bytes of salt of its own, written in PHC's form.
//! It says itself how it was made, so that one of lesser cost is made anew at the next log-in. Who
//! has no password is compared with a hash that nobody's password has, at the same cost.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use common::time::Timestamp;
use subtle::ConstantTimeEq as _;

use super::People;
use super::gate::Memory;
use super::rules::{self, Broken};
use crate::random;
use crate::records::{Login, PasswordRules, Records};

/// What a new hash costs: KiB of memory, passes, lanes.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
/// How many bytes a hash has.
const LENGTH: usize = 32;
/// How many former passwords are remembered at most, for rules that forbid them.
pub const FORMER: usize = 24;

/// A hash, taken apart.
struct Phc {
    cost: (u32, u32, u32),
    salt: Vec<u8>,
    hash: Vec<u8>,
}

/// Makes the hash of a password. Blocks, and waits for its turn.
///
/// # Errors
/// `RequestLimitExceeded` if too many wait already.
pub fn hash(people: &People, password: &str) -> Result<String, ApiError> {
    people.gate.within(|memory| {
        let salt = random::bytes::<16>()?;
        let hash = derive(memory, COST, &salt, password)?;
        let (memory, passes, lanes) = COST;
        let [salt, hash] = [salt.as_slice(), &hash].map(|bytes| STANDARD_NO_PAD.encode(bytes));
        Ok(format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${hash}"))
    })
}

/// Whether a password has this hash; without a hash the answer is no, at the same cost. Blocks, and
/// waits for its turn.
///
/// # Errors
/// `RequestLimitExceeded` if too many wait already; `InternalError` for a hash that is none.
pub fn matches(people: &People, hash: Option<&str>, password: &str) -> Result<bool, ApiError> {
    people.gate.within(|memory| {
        let nobody = || Phc { cost: COST, salt: vec![0; 16], hash: vec![0; LENGTH] };
        let known = hash.map_or_else(|| Ok(nobody()), read)?;
        let made = derive(memory, known.cost, &known.salt, password)?;
        let same = bool::from(made.ct_eq(&known.hash));
        Ok(same && hash.is_some())
    })
}

/// Whether a hash was made at less cost than hashes are made today.
pub fn is_cheap(hash: &str) -> bool {
    read(hash).is_ok_and(|phc| phc.cost != COST)
}

fn derive(
    memory: &mut Memory,
    cost: (u32, u32, u32),
    salt: &[u8],
    password: &str,
) -> Result<[u8; LENGTH], ApiError> {
    let failed = |error: argon2::Error| ApiError::internal("The password cannot be hashed", error);
    let params = Params::new(cost.0, cost.1, cost.2, Some(LENGTH)).map_err(failed)?;
    let mut made = [0; LENGTH];
    let blocks = memory.blocks(params.block_count());
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut made, blocks)
        .map_err(failed)?;
    Ok(made)
}

fn read(text: &str) -> Result<Phc, ApiError> {
    let parsed = || {
        let text = text.strip_prefix("$argon2id$v=19$")?;
        let mut parts = text.split('$');
        let (cost, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let mut costs = cost.split(',').zip(["m=", "t=", "p="]);
        let mut next = || costs.next().and_then(|(it, name)| it.strip_prefix(name)?.parse().ok());
        let cost = (next()?, next()?, next()?);
        let bytes = |text| STANDARD_NO_PAD.decode(text).ok();
        Some(Phc { cost, salt: bytes(salt)?, hash: bytes(hash)? })
    };
    parsed().ok_or_else(|| ApiError::internal("The password is kept in an unknown form", "no PHC"))
}

/// The rules of an account. Blocks.
///
/// # Errors
/// If the store fails.
pub fn rules_of(records: &Records, account: &AccountId) -> Result<Option<PasswordRules>, ApiError> {
    Ok(records.password_rules.get(account.as_str())?.map(|seen| seen.record))
}

/// Refuses a password that an account without rules of its own cannot have.
///
/// # Errors
/// `PasswordPolicyViolation` says which rule it breaks.
pub fn check_first(alias: &str, user: &str, password: &str) -> Result<(), ApiError> {
    rules::check(password, &[alias, user], None).map_err(|why| refused(&why))
}

/// Refuses a new password that breaks a rule, or is one of those before it where they may not be
/// used again. Blocks.
///
/// # Errors
/// `PasswordPolicyViolation` says which rule it breaks.
pub fn check_new(
    people: &People,
    alias: &str,
    login: &Login,
    password: &str,
) -> Result<(), ApiError> {
    let rules = rules_of(&people.records, &login.account)?;
    rules::check(password, &[alias, &login.user], rules.as_ref()).map_err(|why| refused(&why))?;
    let reuse = rules.and_then(|rules| rules.reuse).unwrap_or(0);
    let reuse = usize::try_from(reuse).unwrap_or(FORMER);
    let before = [&login.hash].into_iter().chain(&login.former);
    for hash in before.filter(|hash| !hash.is_empty()).take(reuse) {
        if matches(people, Some(hash), password)? {
            return Err(refused(&Broken::Used(reuse)));
        }
    }
    Ok(())
}

fn refused(why: &Broken) -> ApiError {
    ApiError::new(ErrorCode::PasswordPolicyViolation, format!("The password cannot be used: {why}"))
}

/// Puts a new password in the place of the one before.
pub fn replace(login: &mut Login, hash: String, must_change: bool, now: Timestamp) {
    let before = std::mem::replace(&mut login.hash, hash);
    if !before.is_empty() {
        login.former.insert(0, before);
        login.former.truncate(FORMER);
    }
    login.set = now;
    login.must_change = must_change;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_reference() {
        // By the reference implementation, through argon2-cffi's hash_secret_raw.
        let made = derive(&mut Memory::default(), COST, b"somesalt16bytes!", "password").unwrap();
        assert_eq!(hex::encode(made), REFERENCE);
    }

    const REFERENCE: &str = "b4f5c0f0a45a331503aa85453a4cf9a9c7a2cac6a688c48bc41adc0b9b00b66a";

    #[test]
    fn forms_are_read() {
        let phc = read("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAA").unwrap();
        assert_eq!((phc.cost, phc.salt.as_slice()), ((8, 1, 1), b"somesalt".as_slice()));
        assert!(is_cheap("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAA"));
        for bad in ["", "$2b$10$x", "$argon2i$v=19$m=8,t=1,p=1$YQ$YQ", "$argon2id$v=19$m=8$YQ$YQ"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
