//! `MaxResults` and `NextToken`: a listing in pages.
//!
//! A listing has a total order by keys that never change, so a page begins behind the last key of
//! the one before: what is made or removed meanwhile neither repeats nor hides anything else. The
//! token is that key under a seal over the listing it came from; one from another listing is
//! refused. The seal is no secret and keeps out mistakes only: whatever key a token holds, it is
//! looked for among what the caller may see. Clients that send neither get everything.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::error::{ApiError, ErrorCode};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// The fewest and the most that a page may have.
const SIZES: std::ops::RangeInclusive<u32> = 5..=1000;

/// Bytes of the seal in a token.
const SEAL: usize = 16;

/// What a request says about pages.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// `MaxResults`.
    pub max_results: Option<u32>,
    /// `NextToken`.
    pub next_token: Option<&'a str>,
    /// The parameter by which the request names things one by one, if it does.
    pub named_by: Option<&'static str>,
}

/// The page that was asked for.
#[derive(Debug)]
pub struct Page {
    listing: Vec<u8>,
    size: Option<usize>,
    after: Option<String>,
}

impl Page {
    /// Understands what a request says about pages. `listing` is whatever makes two listings the
    /// same: the action, the account, the filters.
    ///
    /// # Errors
    /// `InvalidParameterValue` for a size out of range or a token that this listing did not give,
    /// `InvalidParameterCombination` if things are named one by one.
    pub fn new(listing: &impl Serialize, asked: Asked<'_>) -> Result<Self, ApiError> {
        let listing = serde_json::to_vec(listing)
            .map_err(|error| ApiError::internal("The request cannot be compared", error))?;
        let given = asked.max_results.map(|_| "MaxResults");
        if let (Some(ids), Some(paging)) =
            (asked.named_by, given.or(asked.next_token.map(|_| "NextToken")))
        {
            let text = format!("The parameter {ids} cannot be used with the parameter {paging}");
            return Err(ApiError::new(ErrorCode::InvalidParameterCombination, text));
        }
        if let Some(size) = asked.max_results.filter(|size| !SIZES.contains(size)) {
            let why = format!("{size} is not between {} and {}", SIZES.start(), SIZES.end());
            return Err(ApiError::invalid("MaxResults", why));
        }
        let size = asked.max_results.and_then(|size| usize::try_from(size).ok());
        let mut page = Self { listing, size, after: None };
        if let Some(token) = asked.next_token {
            let strange = || ApiError::invalid("NextToken", "this listing gave no such token");
            page.after = Some(page.open(token).ok_or_else(strange)?);
        }
        Ok(page)
    }

    /// The key behind which the page begins.
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// How many rows are worth reading at a time.
    pub fn chunk(&self) -> usize {
        // One more than a page tells whether there is another.
        self.size.map_or(256, |size| (size + 1).min(256))
    }

    /// Takes the page out of what lies behind [`Page::after`], in the order of the listing, each
    /// with its key; and says by which token the next one is had. Reads no further than it must.
    ///
    /// # Errors
    /// Those of the rows.
    pub fn fill<T>(
        &self,
        rows: impl IntoIterator<Item = Result<(String, T), ApiError>>,
    ) -> Result<(Vec<T>, Option<String>), ApiError> {
        let mut page = Vec::new();
        let mut last = None;
        for row in rows {
            let (key, it) = row?;
            if self.size == Some(page.len()) {
                return Ok((page, last.map(|key: String| self.token(&key))));
            }
            page.push(it);
            last = Some(key);
        }
        Ok((page, None))
    }

    /// Takes the page out of a whole listing in the order of its keys.
    ///
    /// # Errors
    /// None of its own.
    pub fn cut<T>(
        &self,
        all: impl IntoIterator<Item = (String, T)>,
    ) -> Result<(Vec<T>, Option<String>), ApiError> {
        let behind = all.into_iter().filter(|(key, _)| Some(key.as_str()) > self.after());
        self.fill(behind.map(Ok))
    }

    fn seal(&self, key: &str) -> [u8; SEAL] {
        let digest = Sha256::new().chain_update(&self.listing).chain_update([0]);
        let digest = digest.chain_update(key).finalize();
        let mut seal = [0; SEAL];
        seal.copy_from_slice(&digest[..SEAL]);
        seal
    }

    fn token(&self, key: &str) -> String {
        URL_SAFE_NO_PAD.encode([&self.seal(key), key.as_bytes()].concat())
    }

    fn open(&self, token: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (seal, key) = bytes.split_at_checked(SEAL)?;
        let key = std::str::from_utf8(key).ok()?;
        (self.seal(key) == seal).then(|| key.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(numbers: impl Iterator<Item = u32>) -> Vec<(String, u32)> {
        numbers.map(|number| (format!("{number:04}"), number)).collect()
    }

    fn page(asked: Asked<'_>) -> Page {
        Page::new(&("List", "account"), asked).unwrap()
    }

    #[test]
    fn a_listing_is_walked_without_a_row_twice_or_missing_while_others_come_and_go() {
        let mut all = rows((0..23).map(|n| n * 2));
        let (mut seen, mut token) = (Vec::new(), None);
        for round in 0.. {
            let asked =
                Asked { max_results: Some(5), next_token: token.as_deref(), ..Asked::default() };
            let (found, next) = page(asked).cut(all.clone()).unwrap();
            assert!(found.len() == 5 || next.is_none());
            seen.extend(found);
            token = next;
            if token.is_none() {
                break;
            }
            // The last one shown goes, and one comes where the walk has been.
            all.retain(|(_, number)| Some(number) != seen.last());
            all.push((format!("{round:04}x"), 9999));
            all.sort();
        }
        let twice: Vec<_> = seen.iter().filter(|number| **number == 9999).collect();
        assert!(twice.is_empty(), "{seen:?}");
        assert_eq!(seen, (0..23).map(|n| n * 2).collect::<Vec<_>>());
    }

    #[test]
    fn who_asks_for_no_page_gets_all() {
        let (found, next) = page(Asked::default()).cut(rows(0..2000)).unwrap();
        assert_eq!((found.len(), next), (2000, None));
        let whole = Asked { max_results: Some(5), ..Asked::default() };
        assert_eq!(page(whole).cut(rows(0..5)).unwrap().1, None);
    }

    #[test]
    fn tokens_are_good_for_their_listing_only() {
        let five = Asked { max_results: Some(5), ..Asked::default() };
        let token = page(five).cut(rows(0..9)).unwrap().1.unwrap();
        let next = |token| Asked { next_token: Some(token), ..Asked::default() };
        assert_eq!(page(next(&token)).cut(rows(0..9)).unwrap(), (vec![5, 6, 7, 8], None));
        let other = Page::new(&("List", "other"), next(&token)).unwrap_err();
        assert_eq!(other.code(), ErrorCode::InvalidParameterValue);
        for made_up in ["", "x", "0005", &token[1..], &format!("{token}AA"), &"A".repeat(24)] {
            assert!(Page::new(&("List", "account"), next(made_up)).is_err(), "{made_up}");
        }
    }

    #[test]
    fn sizes_have_bounds_and_names_no_pages() {
        let of = |max_results, next_token, named_by| {
            let asked = Asked { max_results: Some(max_results), next_token, named_by };
            Page::new(&"List", asked).map(|_| ()).map_err(|error| error.code())
        };
        assert_eq!(of(5, None, None), Ok(()));
        assert_eq!(of(1000, None, None), Ok(()));
        assert_eq!(of(4, None, None), Err(ErrorCode::InvalidParameterValue));
        assert_eq!(of(1001, None, None), Err(ErrorCode::InvalidParameterValue));
        assert_eq!(of(5, None, Some("InstanceId")), Err(ErrorCode::InvalidParameterCombination));
    }
}
