//! Which instances a Describe is about: those it names, the account's, or with the one id
//! `verbose`, as in 2.0's line, everybody's if an administrator asks.

use common::action::Caller;
use common::error::ApiError;
use common::id::{AccountId, InstanceId};
use runtime::actor::Scene;
use serde::Serialize;

use super::ids;
use super::instances::{Instances, named};
use super::paging::Page;
use crate::records::{Instance, Records};

/// An instance with its key in the order of the listing.
pub type Row = Result<(String, Instance), ApiError>;

/// Which instances.
#[derive(Debug, Serialize)]
pub enum Listing {
    /// These, if they are the caller's.
    Named(#[serde(skip)] Caller, Vec<InstanceId>),
    /// All of an account, oldest launch first.
    Of(AccountId),
    /// All there are.
    Everybodys,
}

impl Listing {
    /// What the ids of a request mean.
    ///
    /// # Errors
    /// `InvalidInstanceID.Malformed`.
    pub fn new(scene: &Scene<Instances>, asked: &[String]) -> Result<Self, ApiError> {
        let caller = &scene.caller;
        match asked {
            [] => Ok(Self::Of(caller.account.clone())),
            [id] if id == "verbose" && caller.administrator => Ok(Self::Everybodys),
            texts => {
                let ids = texts.iter().map(|text| ids::instance(text));
                let mut ids = ids.collect::<Result<Vec<_>, _>>()?;
                ids.sort();
                ids.dedup();
                Ok(Self::Named(caller.clone(), ids))
            }
        }
    }

    /// The parameter that names instances one by one, if one does.
    pub fn named_by(&self) -> Option<&'static str> {
        matches!(self, Self::Named(..)).then_some("InstanceId")
    }

    /// The instances behind the page's begin, read as they are asked for. Blocks.
    ///
    /// # Errors
    /// `InvalidInstanceID.NotFound` if one that is named is not there.
    pub fn rows<'r>(
        &self,
        records: &'r Records,
        page: &Page,
    ) -> Result<Box<dyn Iterator<Item = Row> + 'r>, ApiError> {
        let prefix = match self {
            Self::Named(caller, ids) => {
                let found = named(records, ids, caller)?.into_iter();
                return Ok(Box::new(found.map(|seen| Ok((String::new(), seen.record)))));
            }
            Self::Of(account) => format!("{account}/"),
            Self::Everybodys => String::new(),
        };
        let rows = records.instances_of.rows(&prefix, page.after(), page.chunk());
        Ok(Box::new(rows.filter_map(|row| {
            let found = row.and_then(|row| Ok((records.instances.get(&row.value)?, row.key)));
            match found {
                Ok((Some(seen), key)) => Some(Ok((key, seen.record))),
                // It has gone meanwhile.
                Ok((None, _)) => None,
                Err(error) => Some(Err(error.into())),
            }
        })))
    }
}
