//! `Marker` and `MaxItems`: a listing of IAM's in pages.
//!
//! A listing has a total order by keys that never change, so a page begins behind the last key of
//! the one before. The marker is that key under a seal over the listing that gave it; one of another
//! listing is refused. The seal is no secret and keeps out mistakes only: whatever key a marker
//! holds, it is looked for among what the caller may see.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::elements::Members;
use super::names::violation;
use crate::error::{ApiError, ErrorCode};

/// How many items a page has that names no number, as AWS'.
const DEFAULT: u32 = 100;
/// The most items of a page.
const MOST: u32 = 1000;
/// Bytes of the seal in a marker.
const SEAL: usize = 9;

/// The page that was asked for.
#[derive(Debug, Clone)]
pub struct Page {
    seal: [u8; 32],
    size: usize,
    after: Option<String>,
}

/// What a page holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled<T> {
    /// The items.
    pub items: Members<T>,
    /// Whether there are more.
    pub is_truncated: bool,
    /// Asks for the next page, if there are more.
    pub marker: Option<String>,
}

impl Page {
    /// Understands what a request says about pages. `listing` is whatever makes two listings the
    /// same: the action, the account, the path prefix.
    ///
    /// # Errors
    /// `ValidationError` for a number out of range or a marker that this listing did not give.
    pub fn new(
        listing: &[&str],
        marker: Option<&str>,
        max_items: Option<u32>,
    ) -> Result<Self, ApiError> {
        let asked = max_items.unwrap_or(DEFAULT);
        let bound = match asked {
            0 => Some("greater than or equal to 1"),
            1..=MOST => None,
            _ => Some("less than or equal to 1000"),
        };
        if let Some(bound) = bound {
            let constraint = format!("Member must have value {bound}");
            return Err(violation(&asked.to_string(), "maxItems", &constraint));
        }
        let mut seal = Sha256::new();
        for part in listing {
            seal.update(part);
            seal.update([0]);
        }
        let size = usize::try_from(asked).unwrap_or(usize::MAX);
        let mut page = Self { seal: seal.finalize().into(), size, after: None };
        if let Some(marker) = marker {
            let strange = || ApiError::new(ErrorCode::ValidationError, "Invalid Marker.");
            page.after = Some(page.open(marker).ok_or_else(strange)?);
        }
        Ok(page)
    }

    /// The key behind which the page begins.
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// Takes the page out of what lies behind [`Page::after`], in the order of the listing, each
    /// with its key. Reads no further than it must.
    ///
    /// # Errors
    /// Those of the rows.
    pub fn fill<T, E>(
        &self,
        rows: impl IntoIterator<Item = Result<(String, T), E>>,
    ) -> Result<Filled<T>, E> {
        let mut items = Vec::new();
        let mut last = None;
        for row in rows {
            let (key, it) = row?;
            if items.len() == self.size {
                let marker = last.map(|key: String| self.marker(&key));
                return Ok(Filled { items: items.into(), is_truncated: true, marker });
            }
            items.push(it);
            last = Some(key);
        }
        Ok(Filled { items: items.into(), is_truncated: false, marker: None })
    }

    /// Takes the page out of a whole listing in the order of its keys.
    pub fn cut<T>(&self, all: impl IntoIterator<Item = (String, T)>) -> Filled<T> {
        let behind = all.into_iter().filter(|(key, _)| Some(key.as_str()) > self.after());
        match self.fill(behind.map(Ok::<_, std::convert::Infallible>)) {
            Ok(filled) => filled,
            Err(never) => match never {},
        }
    }

    fn sealed(&self, key: &str) -> [u8; SEAL] {
        let digest = Sha256::new().chain_update(self.seal).chain_update(key).finalize();
        let mut seal = [0; SEAL];
        seal.copy_from_slice(&digest[..SEAL]);
        seal
    }

    /// Asks for the page behind a key: of one that ends before its size is reached.
    pub fn marker(&self, key: &str) -> String {
        URL_SAFE_NO_PAD.encode([&self.sealed(key), key.as_bytes()].concat())
    }

    fn open(&self, marker: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(marker).ok()?;
        let (seal, key) = bytes.split_at_checked(SEAL)?;
        let key = std::str::from_utf8(key).ok()?;
        (self.sealed(key) == seal).then(|| key.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(numbers: impl Iterator<Item = u32>) -> Vec<(String, u32)> {
        numbers.map(|number| (format!("{number:04}"), number)).collect()
    }

    #[test]
    fn a_listing_is_walked_without_a_row_twice_or_missing() {
        let mut all = rows((0..23).map(|n| n * 2));
        let (mut seen, mut marker) = (Vec::new(), None);
        loop {
            let page = Page::new(&["List", "a"], marker.as_deref(), Some(5)).unwrap();
            let filled = page.cut(all.clone());
            assert_eq!(filled.is_truncated, filled.marker.is_some());
            seen.extend(filled.items.member);
            marker = filled.marker;
            // What was shown goes, what lies before comes: neither changes what follows.
            all.retain(|(_, number)| !seen.contains(number));
            all.insert(0, ("0000x".to_owned(), 1));
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(seen, (0..23).map(|n| n * 2).collect::<Vec<_>>());
    }

    #[test]
    fn markers_of_other_listings_and_odd_numbers_are_refused() {
        let page = Page::new(&["List", "a"], None, Some(1)).unwrap();
        let marker = page.cut(rows(0..2)).marker.unwrap();
        assert!(marker.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert!(Page::new(&["List", "a"], Some(&marker), Some(7)).is_ok());
        for (listing, marker) in
            [(["List", "b"], marker.as_str()), (["Lista", ""], &marker), (["List", "a"], "x")]
        {
            let error = Page::new(&listing, Some(marker), None).unwrap_err();
            assert_eq!(error.code(), ErrorCode::ValidationError, "{listing:?}");
        }
        for (number, good) in [(0, false), (1, true), (1000, true), (1001, false)] {
            assert_eq!(Page::new(&[], None, Some(number)).is_ok(), good, "{number}");
        }
        let page = Page::new(&[], None, None).unwrap();
        assert_eq!(page.cut(rows(0..101)).items.member.len(), 100);
    }
}
