//! Leave to store one bundle, as a path: `/bundles/CLAIMS.SIGNATURE`.
//!
//! The claims say all that a later request is judged by, so that nothing has to be remembered here:
//! whose task, in whose name, where, who may read it, until when. They are hexadecimal JSON,
//! and the signature is made with the key that image tickets are made with.

use common::error::{ApiError, ErrorCode};
use common::id::{AccountId, BundleTaskId};
use common::s3::{CannedAcl, Owner};
use common::time::Timestamp;
use common::wire::bundling::BundlePlace;
use serde::{Deserialize, Serialize};

use crate::image::ticket::Tickets;

/// Below which path bundles are stored.
pub(crate) const PATH: &str = "/bundles/";

/// What a ticket says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// Which task may store.
    pub(crate) task: BundleTaskId,
    /// The account that the manifest must name.
    pub(crate) account: AccountId,
    /// Whose objects they become.
    pub(crate) owner: Owner,
    /// Where they lie.
    pub(crate) place: BundlePlace,
    /// Who may read them.
    pub(crate) acl: CannedAcl,
    /// Until when they may come.
    pub(crate) expires: Timestamp,
}

/// What is to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The part of this index.
    Part(usize),
    /// The manifest.
    Manifest,
}

impl Claims {
    /// The path that a request for a [`Piece`] begins with.
    pub(crate) fn issue(&self, tickets: &Tickets) -> String {
        // Its fields are numbers and texts, of which JSON can always be made.
        let words = hex::encode(serde_json::to_vec(self).unwrap_or_default());
        let seal = tickets.seal(&words);
        format!("{PATH}{words}.{seal}")
    }

    /// What the path of a request gives leave to, and what it is about.
    ///
    /// # Errors
    /// `AccessDenied` if it is no ticket, `RequestExpired` if it is one no longer.
    pub(crate) fn read(
        tickets: &Tickets,
        path: &str,
        now: Timestamp,
    ) -> Result<(Self, Piece), ApiError> {
        let (claims, piece) = Self::proven(tickets, path).ok_or_else(|| {
            let text = "this is no ticket to store a bundle";
            ApiError::new(ErrorCode::AccessDenied, text)
        })?;
        if claims.expires <= now {
            let text = "the ticket to store this bundle has expired";
            return Err(ApiError::new(ErrorCode::RequestExpired, text));
        }
        Ok((claims, piece))
    }

    fn proven(tickets: &Tickets, path: &str) -> Option<(Self, Piece)> {
        let (ticket, piece) = path.strip_prefix(PATH)?.split_once('/')?;
        let (words, seal) = ticket.split_once('.')?;
        if !tickets.is_seal(words, seal) {
            return None;
        }
        let claims: Self = serde_json::from_slice(&hex::decode(words).ok()?).ok()?;
        let piece = match piece.split_once('/') {
            None if piece == "manifest" => Piece::Manifest,
            Some(("part", index)) => Piece::Part(index.parse().ok()?),
            _ => return None,
        };
        Some((claims, piece))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_ticket_says_what_it_was_made_for_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let tickets = Tickets::open(dir.path(), Duration::ZERO).unwrap();
        let now = Timestamp::from_secs(1_800_000_000);
        let account: AccountId = "111111111111".parse().unwrap();
        let claims = Claims {
            task: "bun-0a1b2c3d".parse().unwrap(),
            account: account.clone(),
            owner: Owner { account, alias: "alice / ü".into() },
            place: BundlePlace::new("buck".parse().unwrap(), "fol der/日本.x").unwrap(),
            acl: CannedAcl::AwsExecRead,
            expires: now.plus(Duration::from_secs(60)),
        };
        let read = |path: &str, now| Claims::read(&tickets, path, now).map_err(|e| e.code());
        let path = claims.issue(&tickets);
        for (tail, piece) in [("part/0", Piece::Part(0)), ("manifest", Piece::Manifest)] {
            let whole = format!("{path}/{tail}");
            assert_eq!(read(&whole, now), Ok((claims.clone(), piece)));
            assert_eq!(read(&whole, claims.expires), Err(ErrorCode::RequestExpired));
        }
        let other = Claims { acl: CannedAcl::PublicRead, ..claims }.issue(&tickets);
        let (words, seal) = (other.split_once('.').unwrap().0, path.split_once('.').unwrap().1);
        for bad in [
            format!("{words}.{seal}/manifest"),
            path.clone(),
            format!("{path}/"),
            format!("{path}/part/-1"),
            format!("{path}/part/0/1"),
            format!("{path}/manifest/"),
            "/bundles//manifest".to_owned(),
        ] {
            assert_eq!(read(&bad, now), Err(ErrorCode::AccessDenied), "{bad}");
        }
    }
}
