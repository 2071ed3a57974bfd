//! The images that somebody may see, in the order of their ids, read as they are asked for.

use std::iter::Peekable;

use common::error::ApiError;
use store::{Rows, StoreError};

use super::paging::Page;
use crate::records::{Image, Records};

/// An image with its key in the order of the listing.
pub type Row = Result<(String, Image), ApiError>;

/// All registered images behind the page's begin. Blocks.
pub fn everybodys<'r>(records: &'r Records, page: &Page) -> impl Iterator<Item = Row> + use<'r> {
    let all = records.images.all_behind("", page.after());
    all.filter_map(|seen| match seen {
        Ok(seen) => seen.is_registered().then(|| Ok((seen.id.to_string(), seen.record))),
        Err(error) => Some(Err(error.into())),
    })
}

/// The images behind the page's begin that one of these viewers may see, each once. Blocks.
pub fn seen_by<'r>(
    records: &'r Records,
    page: &Page,
    viewers: &[&str],
) -> impl Iterator<Item = Row> + use<'r> {
    let rows = |viewer: &&str| {
        let after = page.after().map(|image| format!("{viewer}/{image}"));
        let rows = records.images_for.rows(&format!("{viewer}/"), after.as_deref(), page.chunk());
        rows.peekable()
    };
    let merged = Merged(viewers.iter().map(rows).collect());
    merged.filter_map(|id| {
        match id.and_then(|id| records.images.get(&id)) {
            Ok(Some(seen)) => Some(Ok((seen.id.to_string(), seen.record))),
            // It has gone meanwhile.
            Ok(None) => None,
            Err(error) => Some(Err(error.into())),
        }
    })
}

/// What several indexes point at, in order and each once; each index is in that order itself.
struct Merged(Vec<Peekable<Rows>>);

impl Iterator for Merged {
    type Item = Result<String, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut least: Option<String> = None;
        for rows in &mut self.0 {
            match rows.peek() {
                Some(Ok(row)) if least.as_ref().is_none_or(|id| row.value < *id) => {
                    least = Some(row.value.clone());
                }
                Some(Err(_)) => return rows.next().map(|row| row.map(|row| row.value)),
                Some(Ok(_)) | None => {}
            }
        }
        let least = least?;
        for rows in &mut self.0 {
            rows.next_if(|row| row.as_ref().is_ok_and(|row| row.value == least));
        }
        Some(Ok(least))
    }
}
