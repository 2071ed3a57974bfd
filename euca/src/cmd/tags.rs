//! Tags.

use clap::Args;
use common::ec2::tags::{self, NewTag, OldTag, Tag};

use super::{Context, Execute, Failure};
use crate::options::{Columns, Filters, Remote};
use crate::output::Rows;

/// Options of `euca-create-tags`.
#[derive(Debug, Args)]
pub(crate) struct CreateTags {
    /// What to tag
    #[arg(value_name = "RESOURCE", required = true)]
    resources: Vec<String>,
    /// A tag; without a value it has the empty one
    #[arg(long = "tag", value_name = "KEY[=VALUE]", required = true)]
    tags: Vec<String>,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for CreateTags {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let tag = |given: &String| {
            let (key, value) = given.split_once('=').unwrap_or((given, ""));
            Ok(NewTag { key: key_of(key)?, value: Some(value.to_owned()) })
        };
        let tags: Vec<_> = self.tags.iter().map(tag).collect::<Result<_, Failure>>()?;
        let ask = tags::CreateTags { resource_id: self.resources.clone(), tag: tags.clone() };
        cx.ec2(&self.remote)?.send(&ask)?;
        let mut rows = cx.rows(&self.columns);
        for id in &self.resources {
            for NewTag { key, value } in &tags {
                let tag = Tag { key: key.clone(), value: value.clone().unwrap_or_default() };
                print_tags(&mut rows, kind_of(id), id, &[tag])?;
            }
        }
        Ok(())
    }
}

fn key_of(key: &str) -> Result<String, Failure> {
    match key {
        "" => Err(Failure::Usage("argument --tag: a tag has a key".to_owned())),
        key => Ok(key.to_owned()),
    }
}

/// What a resource is, by its id.
fn kind_of(id: &str) -> &'static str {
    match id.split_once('-').map(|(kind, _)| kind.to_ascii_lowercase()).as_deref() {
        Some("i") => "instance",
        Some("emi" | "eki" | "eri" | "ami" | "aki" | "ari") => "image",
        Some("key") => "key-pair",
        _ => "",
    }
}

/// Prints the tags of a resource as rows of their own.
pub(crate) fn print_tags(
    rows: &mut Rows<'_>,
    kind: &str,
    id: &str,
    tags: &[Tag],
) -> Result<(), Failure> {
    for Tag { key, value } in tags {
        rows.row(&["TAG", kind, id, key, value])?;
    }
    Ok(())
}

/// Options of `euca-delete-tags`.
#[derive(Debug, Args)]
pub(crate) struct DeleteTags {
    /// What to take tags off
    #[arg(value_name = "RESOURCE", required = true)]
    resources: Vec<String>,
    /// A tag; with '=' it goes only if it has this value, which may be empty
    #[arg(long = "tag", value_name = "KEY[=[VALUE]]", required = true)]
    tags: Vec<String>,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for DeleteTags {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let tag = |given: &String| match given.split_once('=') {
            Some((key, value)) => Ok(OldTag { key: key_of(key)?, value: Some(value.to_owned()) }),
            None => Ok(OldTag { key: key_of(given)?, value: None }),
        };
        let tag = self.tags.iter().map(tag).collect::<Result<_, Failure>>()?;
        let ask = tags::DeleteTags { resource_id: self.resources, tag };
        cx.ec2(&self.remote)?.send(&ask)?;
        Ok(())
    }
}

/// Options of `euca-describe-tags`.
#[derive(Debug, Args)]
pub(crate) struct DescribeTags {
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for DescribeTags {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let known = ["key", "resource-id", "resource-type", "tag:KEY", "value"];
        let ask = tags::DescribeTags { filter: self.filters.named(&known)?, ..Default::default() };
        let answer = cx.ec2(&self.remote)?.send(&ask)?;
        let mut rows = cx.rows(&self.columns);
        for tag in &answer.tag_set.item {
            // 3.4 has the first two columns the other way round than everywhere else.
            rows.row(&["TAG", &tag.resource_id, &tag.resource_type, &tag.key, &tag.value])?;
        }
        Ok(())
    }
}
