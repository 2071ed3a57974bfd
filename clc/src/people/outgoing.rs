//! Mails on their way: queued with the change they tell of, tried again until somebody takes them or
//! days have passed.
//!
//! The queue is on record, so a mail that was promised outlives the process. A server may get a mail
//! twice if the process dies between sending and noting it; it never goes lost. A mail is given up
//! after days, whether there is a server or not, or when its link is good no more. What was given up
//! stays for a while, without its text, and is shown by `clc admin describe-mails`.

use std::time::Duration;

use common::error::ApiError;
use common::time::Timestamp;
use common::wire::admin::MailView;
use store::Batch;

use super::mail_server::Unsent;
use super::mails::Mail;
use crate::random;
use crate::records::{QueuedMail, Records};

/// How many mails are tried in one pass.
const PASS: usize = 100;
/// The first wait after a failure; each is twice as long as the one before.
const FIRST: Duration = Duration::from_secs(30);
/// The longest.
const LONGEST: Duration = Duration::from_secs(4 * 3600);
/// After which time a mail is given up.
const PATIENCE: Duration = Duration::from_secs(3 * 24 * 3600);
/// How long one that was given up is shown.
const SHOWN: Duration = Duration::from_secs(30 * 24 * 3600);
/// How many characters of what a server said are kept.
const SAID: usize = 300;

/// Adds a mail to a batch.
///
/// # Errors
/// If there is no chance to be had or it cannot be written.
pub fn queue(batch: &mut Batch, mail: &Mail, now: Timestamp) -> Result<(), ApiError> {
    if mail.to.is_empty() {
        return Ok(());
    }
    let number = u64::from_be_bytes(random::bytes()?);
    batch.insert(&QueuedMail {
        id: format!("{:013}-{number:016x}", now.as_millis()),
        to: mail.to.clone(),
        subject: mail.subject.clone(),
        body: mail.body.clone(),
        queued: now,
        next: now,
        tries: 0,
        error: None,
        given_up: None,
        until: mail.good_for.map(|time| now.plus(time)),
    })?;
    Ok(())
}

/// How long to wait after so many tries.
fn wait(tries: u32) -> Duration {
    let factor = 1u32.checked_shl(tries.saturating_sub(1)).unwrap_or(u32::MAX);
    FIRST.saturating_mul(factor).min(LONGEST)
}

/// All mails that are on their way or were given up, oldest first. Blocks.
///
/// # Errors
/// If the store fails.
pub fn list(records: &Records) -> Result<Vec<MailView>, ApiError> {
    let shown = |mail: QueuedMail| MailView {
        id: mail.id,
        to: mail.to,
        subject: mail.subject,
        tries: mail.tries,
        given_up: mail.given_up.is_some(),
        error: mail.error,
    };
    records.mails.all("").map(|seen| Ok(shown(seen?.record))).collect()
}

/// Those that are to be tried now, oldest first. Blocks.
///
/// # Errors
/// If the store fails.
pub fn due(records: &Records, now: Timestamp) -> Result<Vec<QueuedMail>, ApiError> {
    let mut due = Vec::new();
    for seen in records.mails.all("") {
        let mail = seen?.record;
        if mail.given_up.is_none() && mail.next <= now {
            due.push(mail);
        }
        if due.len() == PASS {
            break;
        }
    }
    Ok(due)
}

/// What is given up is not sent any more, and its link is nobody's to read.
fn give_up(mail: &mut QueuedMail, now: Timestamp) {
    mail.given_up = Some(now);
    mail.body.clear();
}

/// Gives up what nobody has taken in time, or what is of no use any more. Blocks.
///
/// # Errors
/// If the store fails.
pub fn weed(records: &Records, now: Timestamp) -> Result<(), ApiError> {
    for seen in records.mails.all("") {
        let seen = seen?;
        let dead = seen.until.is_some_and(|until| until <= now);
        if seen.given_up.is_some() || !(dead || now.since(seen.queued) >= PATIENCE) {
            continue;
        }
        let why = if dead { "its link is not good any more" } else { "nobody has taken it" };
        tracing::error!(mail = %seen.id, why, "a mail was given up");
        records.mails.update(seen.key(), |mail| {
            mail.error.get_or_insert_with(|| why.to_owned());
            give_up(mail, now);
            Ok::<_, ApiError>(())
        })?;
    }
    Ok(())
}

/// Notes how a try went. Blocks.
///
/// # Errors
/// If the store fails.
pub fn note(
    records: &Records,
    id: &str,
    sent: &Result<(), Unsent>,
    now: Timestamp,
) -> Result<(), ApiError> {
    store::transact(&*records.engine, |batch| {
        let Some(mut seen) = records.mails.get(id)? else { return Ok(()) };
        let Err(why) = sent else {
            batch.remove(&seen);
            return Ok(());
        };
        let mail = &mut seen.record;
        mail.tries = mail.tries.saturating_add(1);
        mail.error = Some(why.to_string().chars().take(SAID).collect());
        mail.next = now.plus(wait(mail.tries));
        let refused = matches!(why, Unsent::Refused(_));
        if refused || now.since(mail.queued) >= PATIENCE {
            give_up(mail, now);
            tracing::error!(mail = %id, error = %why, "a mail was given up");
        }
        batch.replace(&seen)?;
        Ok::<_, ApiError>(())
    })?;
    Ok(())
}

/// Removes what is of no use any more: mails given up long ago, links that nobody followed. Blocks.
///
/// # Errors
/// If the store fails.
pub fn tidy(records: &Records, now: Timestamp) -> Result<(), ApiError> {
    for seen in records.mails.all("") {
        let seen = seen?;
        if seen.given_up.is_some_and(|at| now.since(at) >= SHOWN) {
            records.mails.remove(seen.key())?;
        }
    }
    for seen in records.link_tokens.all("") {
        let seen = seen?;
        if seen.expires <= now {
            records.link_tokens.remove(seen.key())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use store::EngineConfig;

    use super::*;

    #[test]
    fn waits_grow_to_hours() {
        let seconds: Vec<_> = [1, 2, 3, 9, 10, 90].map(|tries| wait(tries).as_secs()).to_vec();
        assert_eq!(seconds, [30, 60, 120, 7680, 14400, 14400]);
    }

    #[test]
    fn a_mail_waits_longer_and_is_given_up_after_days() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        let mut batch = Batch::new();
        let mail = Mail { to: "a@b".into(), subject: "s".into(), body: "b".into(), good_for: None };
        let mut now = Timestamp::from_secs(1_000_000);
        let began = now;
        queue(&mut batch, &mail, now).unwrap();
        let nobody = Mail { to: String::new(), ..mail };
        queue(&mut batch, &nobody, now).unwrap();
        batch.commit(&*records.engine).unwrap();
        let mut tries = 0;
        loop {
            let found = due(&records, now).unwrap();
            if let [mail] = found.as_slice() {
                tries += 1;
                note(&records, &mail.id, &Err(Unsent::Later("451 later".into())), now).unwrap();
            }
            let left = list(&records).unwrap();
            assert_eq!(left.len(), 1);
            if left[0].given_up {
                assert_eq!((left[0].tries, left[0].error.as_deref()), (tries, Some("451 later")));
                break;
            }
            now = now.plus(Duration::from_secs(10));
        }
        assert!(now.since(began) >= PATIENCE && (20..40).contains(&tries), "{tries}");
        tidy(&records, now.plus(SHOWN)).unwrap();
        assert!(list(&records).unwrap().is_empty());
    }

    #[test]
    fn what_nobody_takes_is_given_up_without_a_server_and_its_link_goes() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        let now = Timestamp::from_secs(1_000_000);
        let mut batch = Batch::new();
        for (to, minutes) in [("plain", None), ("recovery", Some(60)), ("refused", None)] {
            let good_for = minutes.map(|minutes| Duration::from_secs(minutes * 60));
            let (to, subject, body) = (to.into(), "s".into(), "https://secret".into());
            queue(&mut batch, &Mail { to, subject, body, good_for }, now).unwrap();
        }
        batch.commit(&*records.engine).unwrap();
        let left = |records: &Records| {
            let mut left: Vec<_> = records.mails.all("").map(|seen| seen.unwrap().record).collect();
            left.sort_by(|a, b| a.to.cmp(&b.to));
            left.into_iter().map(|it| (it.given_up.is_some(), it.body.len())).collect::<Vec<_>>()
        };
        let refused = records.mails.all("").map(|seen| seen.unwrap().record);
        let refused = refused.into_iter().find(|mail| mail.to == "refused").unwrap();
        note(&records, &refused.id, &Err(Unsent::Refused("550 no".into())), now).unwrap();
        weed(&records, now.plus(Duration::from_secs(3599))).unwrap();
        assert_eq!(left(&records), [(false, 14), (false, 14), (true, 0)]);
        weed(&records, now.plus(Duration::from_secs(3600))).unwrap();
        assert_eq!(left(&records), [(false, 14), (true, 0), (true, 0)]);
        weed(&records, now.plus(PATIENCE)).unwrap();
        assert_eq!(left(&records), [(true, 0), (true, 0), (true, 0)]);
        assert!(due(&records, now.plus(PATIENCE)).unwrap().is_empty());
    }
}
