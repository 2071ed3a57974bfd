//! The table of commands: dispatch, the list that help prints, and the links are all this table.
//!
//! Names stand without their `euca-`. The first name of a row is 3.4's.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use clap::error::ErrorKind;
use clap::{ArgAction, ArgMatches};

use crate::cmd::{self, Context, Execute, Failure};
use crate::environment::Environment;
use crate::pages::{self, Page};

/// One command.
struct Row {
    /// What it is called, by 3.4 first.
    names: &'static [&'static str],
    about: &'static str,
    /// Whether 1.3's `-a` and `-s` stand for the access key here: elsewhere they mean something
    /// else in 3.4.
    short_keys: bool,
    arguments: fn(clap::Command) -> clap::Command,
    run: fn(&ArgMatches, &mut Context<'_>) -> Result<(), Failure>,
}

impl Row {
    const fn of<C: Execute>(names: &'static [&'static str], about: &'static str) -> Self {
        let (arguments, run) = (C::augment_args, execute::<C>);
        Self { names, about, short_keys: false, arguments, run }
    }

    const fn short_keys(mut self) -> Self {
        self.short_keys = true;
        self
    }
}

/// Every command.
const TABLE: &[Row] = &[
    Row::of::<cmd::bundle::BundleImage>(
        &["bundle-image"],
        "Pack a disk image, kernel or ramdisk for the cloud",
    ),
    Row::of::<cmd::bundle_vol::BundleVol>(
        &["bundle-vol"],
        "Pack an image of this running system for the cloud",
    ),
    Row::of::<cmd::unbundle::Unbundle>(&["unbundle"], "Unpack a bundle"),
    Row::of::<cmd::upload::UploadBundle>(&["upload-bundle"], "Upload a bundle to a bucket")
        .short_keys(),
    Row::of::<cmd::bundle_tasks::BundleInstance>(
        &["bundle-instance"],
        "Have the cloud save an instance as a bundle",
    ),
    Row::of::<cmd::bundle_tasks::DescribeBundleTasks>(
        &["describe-bundle-tasks"],
        "Show how instances are being saved",
    )
    .short_keys(),
    Row::of::<cmd::bundle_tasks::CancelBundleTask>(
        &["cancel-bundle-task"],
        "Stop saving an instance",
    )
    .short_keys(),
    Row::of::<cmd::create_image::CreateImage>(
        &["create-image"],
        "Have the cloud make an image of an instance",
    ),
    Row::of::<cmd::bundle_upload::BundleAndUploadImage>(
        &["bundle-and-upload-image"],
        "Pack an image and upload it on the way",
    ),
    Row::of::<cmd::install::InstallImage>(&["install-image"], "Pack, upload and register an image"),
    Row::of::<cmd::download::DownloadBundle>(
        &["download-bundle"],
        "Download a bundle from a bucket",
    )
    .short_keys(),
    Row::of::<cmd::download_unbundle::DownloadAndUnbundle>(
        &["download-and-unbundle"],
        "Download a bundle and unpack it on the way",
    ),
    Row::of::<cmd::unbundle_stream::UnbundleStream>(
        &["unbundle-stream"],
        "Decrypt and unpack the parts of a bundle as one stream",
    ),
    Row::of::<cmd::delete_bundle::DeleteBundle>(
        &["delete-bundle"],
        "Delete a bundle that is in a bucket",
    )
    .short_keys(),
    Row::of::<cmd::check_bundle::CheckBundle>(
        &["check-bundle"],
        "Look a bundle through and tell what is wrong with it",
    ),
    Row::of::<cmd::store::CheckBucket>(&["check-bucket"], "Tell whether a bucket may be used")
        .short_keys(),
    Row::of::<cmd::images::Register>(&["register"], "Register an uploaded bundle as an image"),
    Row::of::<cmd::images::DescribeImages>(&["describe-images"], "List images"),
    Row::of::<cmd::images::Deregister>(&["deregister"], "Take an image out of the registry")
        .short_keys(),
    Row::of::<cmd::image_attributes::DescribeImageAttribute>(
        &["describe-image-attribute"],
        "Show an attribute of an image",
    )
    .short_keys(),
    Row::of::<cmd::image_attributes::ModifyImageAttribute>(
        &["modify-image-attribute"],
        "Change an attribute of an image",
    ),
    Row::of::<cmd::image_attributes::ResetImageAttribute>(
        &["reset-image-attribute"],
        "Reset an attribute of an image",
    )
    .short_keys(),
    Row::of::<cmd::keys::CreateKeyPair>(
        &["create-keypair", "add-keypair"],
        "Make a key pair and print its private half",
    )
    .short_keys(),
    Row::of::<cmd::keys::ImportKeyPair>(&["import-keypair"], "Import a public key as a key pair"),
    Row::of::<cmd::keys::DescribeKeyPairs>(&["describe-keypairs"], "List key pairs").short_keys(),
    Row::of::<cmd::keys::DeleteKeyPair>(&["delete-keypair"], "Remove a key pair").short_keys(),
    Row::of::<cmd::instances::RunInstances>(&["run-instances"], "Start instances of an image"),
    Row::of::<cmd::instances::DescribeInstances>(&["describe-instances"], "List instances")
        .short_keys(),
    Row::of::<cmd::instance_status::DescribeInstanceStatus>(
        &["describe-instance-status"],
        "Show how instances fare",
    ),
    Row::of::<cmd::instance_types::DescribeInstanceTypes>(
        &["describe-instance-types"],
        "List instance types and the room for them",
    ),
    Row::of::<cmd::instances::TerminateInstances>(&["terminate-instances"], "End instances")
        .short_keys(),
    Row::of::<cmd::power::StopInstances>(
        &["stop-instances"],
        "Switch instances off; their disks stay",
    )
    .short_keys(),
    Row::of::<cmd::power::StartInstances>(&["start-instances"], "Start stopped instances")
        .short_keys(),
    Row::of::<cmd::power::RebootInstances>(&["reboot-instances"], "Reboot instances").short_keys(),
    Row::of::<cmd::attributes::DescribeInstanceAttribute>(
        &["describe-instance-attribute"],
        "Print one attribute of an instance",
    ),
    Row::of::<cmd::attributes::ModifyInstanceAttribute>(
        &["modify-instance-attribute"],
        "Change one attribute of an instance",
    ),
    Row::of::<cmd::attributes::ResetInstanceAttribute>(
        &["reset-instance-attribute"],
        "Set one attribute of an instance back",
    ),
    Row::of::<cmd::instances::GetConsoleOutput>(
        &["get-console-output"],
        "Print the end of an instance's console log",
    )
    .short_keys(),
    Row::of::<cmd::tags::CreateTags>(&["create-tags"], "Set tags on resources"),
    Row::of::<cmd::tags::DeleteTags>(&["delete-tags"], "Take tags off resources"),
    Row::of::<cmd::tags::DescribeTags>(&["describe-tags"], "List tags"),
    Row::of::<cmd::zones::DescribeZones>(&["describe-availability-zones"], "List zones")
        .short_keys(),
    Row::of::<cmd::zones::DescribeRegions>(&["describe-regions"], "List regions").short_keys(),
    Row::of::<cmd::links::Version>(&["version"], "Print this program's version"),
    Row::of::<cmd::links::InstallLinks>(
        &["install-links"],
        "Make links in a directory by which this program is called as its commands",
    ),
];

fn execute<C: Execute>(matches: &ArgMatches, cx: &mut Context<'_>) -> Result<(), Failure> {
    let command = C::from_arg_matches(matches).map_err(|e| Failure::Usage(e.to_string()))?;
    command.run(cx)
}

/// Every name but that of the command which only the program itself has.
fn links() -> Vec<&'static str> {
    let names = TABLE.iter().flat_map(|row| row.names).copied();
    names.filter(|name| *name != "install-links").collect()
}

fn find(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.names.contains(&name))
}

/// Runs the program as called: `arguments` begin with its name, `out` and `err` are its streams.
/// Gives the exit status: 0, 1 if something failed, 2 if it was called wrongly.
pub fn run(
    arguments: &[OsString],
    environment: &Environment,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    let called = arguments.first().map(Path::new).and_then(Path::file_name);
    let called = called.and_then(|name| name.to_str()).unwrap_or("euca");
    let rest = arguments.get(1..).unwrap_or_default();
    let (name, rest) = match called.strip_prefix("euca-") {
        Some(name) => (name, rest),
        None => match rest.split_first() {
            Some((first, rest)) => (first.to_str().unwrap_or("?"), rest),
            None => ("--help", rest),
        },
    };
    let name = name.strip_prefix("euca-").unwrap_or(name);
    // Nobody can be told that the streams are closed.
    match name {
        "--help" | "-h" | "help" => status(write!(out, "{}", overview())),
        "--version" => status(writeln!(out, "{}", cmd::links::version())),
        _ => match find(name) {
            Some(row) => run_row(row, name, rest, environment, out, err),
            None => {
                let _ = writeln!(err, "euca: error: there is no command '{name}'; see euca --help");
                2
            }
        },
    }
}

fn status(written: std::io::Result<()>) -> u8 {
    u8::from(written.is_err())
}

fn run_row(
    row: &Row,
    name: &str,
    arguments: &[OsString],
    environment: &Environment,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    let program = format!("euca-{name}");
    let matches = match parser(row, &program).try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => {
            let text = error.to_string();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                    status(out.write_all(text.as_bytes()))
                }
                _ => {
                    let text = text.strip_prefix("error: ").unwrap_or(&text);
                    let _ = write!(err, "{program}: error: {text}");
                    2
                }
            };
        }
    };
    let links = links();
    let mut cx = Context { program: &program, links: &links, pages, environment, out, err };
    let done = (row.run)(&matches, &mut cx).and_then(|()| Ok(cx.out.flush()?));
    let Err(failure) = done else { return 0 };
    let (line, status) = match failure {
        // Whoever read the output has enough of it.
        Failure::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return 1,
        Failure::Output(error) => (format!("error: the output cannot be written: {error}"), 1),
        Failure::Api { code, message } => (format!("error ({code}): {message}"), 1),
        Failure::Client(text) => (format!("error: {text}"), 1),
        Failure::Usage(text) => (format!("error: {}", text.trim_end()), 2),
    };
    let _ = writeln!(err, "{program}: {line}");
    status
}

fn parser(row: &Row, program: &str) -> clap::Command {
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
    let command = (row.arguments)(command).about(row.about);
    match row.short_keys {
        true => command
            .mut_arg("access_key_id", |arg| arg.short_alias('a'))
            .mut_arg("secret_key", |arg| arg.short_alias('s')),
        false => command,
    }
}

/// The man pages and completions of every command, by each of its names, and of the program itself.
fn pages() -> Vec<Page> {
    let mut pages = Vec::new();
    let about = "The command line of the cloud";
    let mut whole = clap::Command::new("euca").about(about).subcommand_required(true);
    for row in TABLE {
        for name in row.names {
            let program = match *name {
                "install-links" => "euca install-links".to_owned(),
                name => format!("euca-{name}"),
            };
            let file = program.replace(' ', "-");
            pages.push(match row.names.first() {
                Some(first) if first != name => pages::same_as(&file, &format!("euca-{first}")),
                _ => pages::man(&file, &parser(row, &program)),
            });
            if file == program {
                pages.extend(pages::completions(&program, parser(row, &program)));
            }
            whole = whole.subcommand(parser(row, &program).name(*name));
        }
    }
    pages.push(pages::overview(&whole));
    pages.extend(pages::completions("euca", whole));
    pages
}

fn overview() -> String {
    let mut text =
        "Usage: euca COMMAND [OPTION...] [ARGUMENT...]\n   or: euca-COMMAND … by a link \
                    of that name\n\nCommands:\n"
            .to_owned();
    for row in TABLE {
        text.push_str(&format!("  {:<28} {}\n", row.names.join(", "), row.about));
    }
    text.push_str("\neuca COMMAND --help tells the options of a command.\n");
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn called(arguments: &[&str]) -> (u8, String, String) {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let environment = Environment::new([("EUCA_CONFIG_PATH", "/absent")]);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let status = run(&arguments, &environment, &mut out, &mut err);
        (status, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn every_row_is_sound_and_every_name_is_its_own() {
        let mut names = HashSet::new();
        for row in TABLE {
            parser(row, "euca-x").debug_assert();
            assert!(row.names.iter().all(|name| names.insert(*name)), "{:?}", row.names);
            assert!(overview().contains(row.names[0]));
        }
    }

    /// What stands before a name in the paths of its pages, and behind it.
    const PLACES: &[(&str, &str)] = &[
        ("man/man1/", ".1"),
        ("bash-completion/completions/", ""),
        ("zsh/site-functions/_", ""),
        ("fish/vendor_completions.d/", ".fish"),
    ];

    #[test]
    fn every_command_has_its_pages_and_every_option_is_in_them() {
        let all = pages();
        let page = |path: &str| {
            let page = all.iter().find(|page| page.path == path);
            let page = page.unwrap_or_else(|| panic!("no {path}"));
            String::from_utf8(page.bytes.clone()).unwrap().replace("\\-", "-")
        };
        for row in TABLE.iter().filter(|row| row.names != ["install-links"]) {
            for name in row.names {
                let program = format!("euca-{name}");
                let command = parser(row, &program);
                let shown: Vec<_> = command.get_arguments().filter(|a| !a.is_hide_set()).collect();
                for (before, after) in PLACES {
                    let text = page(&format!("{before}{program}{after}"));
                    if *before == "man/man1/" && *name != row.names[0] {
                        assert_eq!(text, format!(".so man1/euca-{}.1\n", row.names[0]));
                        continue;
                    }
                    for long in shown.iter().filter_map(|argument| argument.get_long()) {
                        let option = match after {
                            &".fish" => format!(" -l {long}"),
                            _ => format!("--{long}"),
                        };
                        assert!(text.contains(&option), "{before}{program}{after}: {option}");
                    }
                    for short in shown.iter().filter_map(|argument| argument.get_short()) {
                        let option = match after {
                            &".fish" => format!(" -s {short}"),
                            _ => format!("-{short}"),
                        };
                        assert!(text.contains(&option), "{before}{program}{after}: {option}");
                    }
                }
                assert!(page("man/man1/euca.1").contains(row.names[0]));
                assert!(page("bash-completion/completions/euca").contains(name));
            }
        }
        assert!(page("man/man1/euca-install-links.1").contains("--share"));
        let paths: HashSet<&str> = all.iter().map(|page| page.path.as_str()).collect();
        assert_eq!(paths.len(), all.len());
    }

    #[test]
    fn a_command_is_called_by_link_or_by_word() {
        for arguments in [
            &["/usr/bin/euca-describe-images", "--help"][..],
            &["euca", "describe-images", "--help"],
            &["/opt/euca", "euca-describe-images", "-h"],
        ] {
            let (status, out, err) = called(arguments);
            assert_eq!((status, err.as_str()), (0, ""), "{arguments:?}");
            assert!(out.contains("Usage: euca-describe-images"), "{out}");
        }
        let (status, out, _) = called(&["euca"]);
        assert!(status == 0 && out.contains("create-keypair, add-keypair"), "{out}");
        assert_eq!(called(&["euca", "version"]).1, called(&["euca", "--version"]).1);
    }

    #[test]
    fn wrong_calls_exit_with_2_and_failures_with_1() {
        for (arguments, status, told) in [
            (&["euca", "dance"][..], 2, "euca: error: there is no command 'dance'"),
            (&["euca-run-instances"], 2, "euca-run-instances: error: the following required"),
            (&["euca-describe-images", "--colour"], 2, "euca-describe-images: error: unexpected"),
            (
                &["euca-describe-regions", "--filter", "x=1"],
                2,
                "euca-describe-regions: error: argument --filter",
            ),
            (&["euca-describe-regions"], 1, "euca-describe-regions: error: no endpoint"),
            (
                &["euca-describe-regions", "-U", "http://h/"],
                1,
                "euca-describe-regions: error: no access key",
            ),
        ] {
            let (found, out, err) = called(arguments);
            assert_eq!((found, out.as_str()), (status, ""), "{arguments:?}: {err}");
            assert!(err.starts_with(told), "{arguments:?}: {err}");
        }
    }

    #[test]
    fn both_generations_options_are_understood() {
        for arguments in [
            &["describe-instances", "-a", "AK", "-s", "SK"][..],
            &["describe-instances", "-A", "AK", "-S", "SK"],
            &["describe-instances", "-I", "AK", "--secret-key", "SK", "--show-empty-fields"],
            &["describe-images", "-a", "--access-key", "AK", "emi-1"],
            &["describe-images", "-x", "self", "-o", "self", "-x", "all"],
            &["run-instances", "emi-1", "--key", "k", "--instance-count", "2-3", "-t", "m1.small"],
            &["run-instances", "-g", "a", "-g", "b", "emi-1", "--availability-zone", "z"],
            &["register", "b/k", "-a", "i386", "-n", "name"],
            &["register", "b/k", "--block-device-mapping", "/dev/sdb=ephemeral0"],
            &["bundle-image", "-i", "f", "--block-device-mapping", "ami=sda1", "--batch"],
            &[
                "bundle-image",
                "-i",
                "f",
                "-r",
                "i386",
                "--product",
                "A,B",
                "--image-type",
                "kernel",
            ],
            &["upload-bundle", "-b", "b", "-m", "m", "-a", "AK", "-s", "SK", "--part", "x.part.3"],
            &["unbundle", "-m", "m", "-s", "dir", "-k", "key"],
            &["add-keypair", "name", "-f", "file"],
            &["describe-availability-zones", "verbose"],
            &["describe-image-attribute", "emi-1", "-l", "-a", "AK", "-s", "SK"],
            &[
                "modify-image-attribute",
                "emi-1",
                "-l",
                "-a",
                "all",
                "-r",
                "000000000001",
                "-A",
                "AK",
            ],
            &["modify-image-attribute", "emi-1", "-p", "A", "-p", "B"],
            &["reset-image-attribute", "-l", "emi-1"],
            &["create-tags", "i-1", "emi-2", "--tag", "a=b", "--tag", "c"],
            &["import-keypair", "k", "--public-key-file", "id.pub"],
        ] {
            let row = find(arguments[0]).unwrap();
            let parsed = parser(row, "euca-x").try_get_matches_from(&arguments[1..]);
            assert!(parsed.is_ok(), "{arguments:?}: {}", parsed.unwrap_err());
        }
    }
}
