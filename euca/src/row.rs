//! A command as the tables list it: its names, what it is about, its options, and what runs it.

use clap::{ArgAction, ArgMatches};

use crate::cmd::{Context, Execute, Failure};

/// Whose command it is, by which it is called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    /// `euca-…`, of everybody.
    Plain,
    /// `euca-…`, and `euca admin …`.
    Administration,
    /// `euca …` alone: there is no link of that name.
    Own,
}

/// One command.
pub(crate) struct Row {
    /// What it is called, by 3.4 first: without its `euca-`, but with its `euare-`.
    names: &'static [&'static str],
    about: &'static str,
    family: Family,
    /// Whether 1.3's `-a` and `-s` stand for the access key here: elsewhere they mean something
    /// else in 3.4.
    short_keys: bool,
    arguments: fn(clap::Command) -> clap::Command,
    run: fn(&ArgMatches, &mut Context<'_>) -> Result<(), Failure>,
}

impl Row {
    /// A command that is called `euca-NAME`, or by a name that begins with `euare-`.
    pub(crate) const fn of<C: Execute>(
        names: &'static [&'static str],
        about: &'static str,
    ) -> Self {
        let (arguments, run) = (C::augment_args, execute::<C>);
        Self { names, about, family: Family::Plain, short_keys: false, arguments, run }
    }

    /// Takes 1.3's `-a` and `-s` for the access key.
    pub(crate) const fn short_keys(mut self) -> Self {
        self.short_keys = true;
        self
    }

    /// Is called `euca admin NAME`, too.
    pub(crate) const fn administration(mut self) -> Self {
        self.family = Family::Administration;
        self
    }

    /// Is called by no link.
    pub(crate) const fn own(mut self) -> Self {
        self.family = Family::Own;
        self
    }

    /// The programs by which it is called: `euca-run-instances`.
    pub(crate) fn programs(&self) -> impl Iterator<Item = String> + use<> {
        self.words().map(|name| match name.starts_with("euare-") {
            true => name.to_owned(),
            false => format!("euca-{name}"),
        })
    }

    /// The words behind `euca` by which it is called.
    pub(crate) fn words(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.names.iter().copied()
    }

    /// What it does, in a line.
    pub(crate) fn about(&self) -> &'static str {
        self.about
    }

    /// Whether only the program itself has it.
    pub(crate) fn is_own(&self) -> bool {
        self.family == Family::Own
    }

    /// Whether it is one of `euca admin`.
    pub(crate) fn is_administration(&self) -> bool {
        self.family == Family::Administration
    }

    /// What reads its options when it is called by this name.
    pub(crate) fn parser(&self, program: &str) -> clap::Command {
        let command = clap::Command::new("euca")
            .bin_name(program)
            .display_name(program)
            .version(env!("CARGO_PKG_VERSION"))
            .no_binary_name(true)
            .infer_long_args(true)
            .disable_version_flag(true)
            .arg(
                clap::Arg::new("version")
                    .long("version")
                    .action(ArgAction::Version)
                    .help("Print this program's version"),
            );
        let command = (self.arguments)(command).about(self.about);
        match self.short_keys {
            true => command
                .mut_arg("access_key_id", |arg| arg.short_alias('a'))
                .mut_arg("secret_key", |arg| arg.short_alias('s')),
            false => command,
        }
    }

    /// Does it.
    pub(crate) fn run(&self, matches: &ArgMatches, cx: &mut Context<'_>) -> Result<(), Failure> {
        (self.run)(matches, cx)
    }
}

fn execute<C: Execute>(matches: &ArgMatches, cx: &mut Context<'_>) -> Result<(), Failure> {
    let command = C::from_arg_matches(matches).map_err(|e| Failure::Usage(e.to_string()))?;
    command.run(cx)
}
