//! Properties.

use clap::Args;
use common::administration::properties::{DescribeProperties, ModifyPropertyValue};

use super::asking::{PROPERTIES, ask, row};
use crate::cmd::{Context, Execute, Failure};
use crate::options::Remote;

/// Options of `euca-describe-properties`.
#[derive(Debug, Args)]
pub(crate) struct Describe {
    /// Show these only, or those whose names begin so
    #[arg(value_name = "PROPERTY")]
    properties: Vec<String>,
    /// Print what they mean, too
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for Describe {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let asked = DescribeProperties { properties: self.properties };
        for property in &ask(cx, &self.remote, PROPERTIES, &asked)?.properties.item {
            row(cx, &["PROPERTY", &property.name, &property.value])?;
            if self.verbose {
                row(cx, &["DESCRIPTION", &property.name, &property.description])?;
            }
        }
        Ok(())
    }
}

/// Options of `euca-modify-property`.
#[derive(Debug, Args)]
pub(crate) struct Modify {
    /// What a property shall be; may be given several times
    #[arg(short, long = "property", value_name = "KEY=VALUE", required = true)]
    property: Vec<String>,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for Modify {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let assign = |given: &String| {
            let (name, value) = given.split_once('=').filter(|(name, _)| !name.is_empty())?;
            Some(ModifyPropertyValue { name: name.to_owned(), value: value.to_owned() })
        };
        let wrong = |given: &String| {
            Failure::Usage(format!("argument -p/--property: '{given}' is not KEY=VALUE"))
        };
        let all = self.property.iter().map(|it| assign(it).ok_or_else(|| wrong(it)));
        for change in all.collect::<Result<Vec<_>, _>>()? {
            let changed = ask(cx, &self.remote, PROPERTIES, &change)?;
            let value = format!("{} was {}", changed.value, changed.old_value);
            row(cx, &["PROPERTY", &changed.name, &value])?;
        }
        Ok(())
    }
}
