//! The table of commands: dispatch, the list that help prints, and the links are all this table.
//!
//! Names stand without their `euca-`. The first name of a row is 3.4's. The commands of IAM, which
//! are called `euare-…`, and those of administration have tables of their own beside their code.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use clap::error::ErrorKind;

use crate::cmd::{self, Context, Failure};
use crate::environment::Environment;
use crate::pages::{self, Page};
use crate::row::Row;
use crate::{admin, euare};

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
    )
    .own(),
];

/// All rows, in the order in which help lists them.
fn rows() -> impl Iterator<Item = &'static Row> {
    TABLE.iter().chain(admin::ROWS).chain(euare::ROWS.iter().copied().flatten())
}

/// Every program by which a command is called, but for that of the command which only this program
/// itself has.
fn links() -> Vec<String> {
    rows().filter(|row| !row.is_own()).flat_map(Row::programs).collect()
}

/// The command that is called by this program's name, or by what stands behind its `euca-`.
fn find(name: &str) -> Option<&'static Row> {
    rows().find(|row| row.programs().any(|program| program == name))
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
    let (name, rest) = match called.starts_with("euca-") || called.starts_with("euare-") {
        true => (called.to_owned(), rest),
        false => match word(rest) {
            (Some("admin"), rest) => match word(rest) {
                (Some(name), rest) if !is_help(name) => {
                    let program = full(name);
                    let known = find(&program).is_some_and(Row::is_administration);
                    (if known { program } else { format!("admin {name}") }, rest)
                }
                (_, rest) => ("admin".to_owned(), rest),
            },
            (Some(name), rest) => (full(name), rest),
            (None, rest) => ("--help".to_owned(), rest),
        },
    };
    // Nobody can be told that the streams are closed.
    match name.as_str() {
        "--version" => status(writeln!(out, "{}", cmd::links::version())),
        "admin" => status(write!(out, "{}", administration())),
        name if is_help(name) => status(write!(out, "{}", overview())),
        program => match find(program) {
            Some(row) => run_row(row, program, rest, environment, out, err),
            None => {
                let name = program.strip_prefix("euca-").unwrap_or(program);
                let _ = writeln!(err, "euca: error: there is no command '{name}'; see euca --help");
                2
            }
        },
    }
}

/// The first of the arguments, and the others.
fn word(arguments: &[OsString]) -> (Option<&str>, &[OsString]) {
    match arguments.split_first() {
        Some((first, rest)) => (Some(first.to_str().unwrap_or("?")), rest),
        None => (None, arguments),
    }
}

fn is_help(word: &str) -> bool {
    matches!(word, "--help" | "-h" | "help")
}

/// The program that a word behind `euca` stands for.
fn full(word: &str) -> String {
    let whole = word.starts_with("euca-") || word.starts_with("euare-") || word.starts_with('-');
    if whole || word == "help" { word.to_owned() } else { format!("euca-{word}") }
}

fn status(written: std::io::Result<()>) -> u8 {
    u8::from(written.is_err())
}

fn run_row(
    row: &Row,
    program: &str,
    arguments: &[OsString],
    environment: &Environment,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    let matches = match row.parser(program).try_get_matches_from(arguments) {
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
    let mut cx = Context { program, links: &links, pages, environment, out, err };
    let done = row.run(&matches, &mut cx).and_then(|()| Ok(cx.out.flush()?));
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

/// The man pages and completions of every command, by each of its names, and of the program itself.
fn pages() -> Vec<Page> {
    let mut pages = Vec::new();
    let about = "The command line of the cloud";
    let mut whole = clap::Command::new("euca").about(about).subcommand_required(true);
    for row in rows() {
        let first = row.programs().next().unwrap_or_default();
        for (program, word) in row.programs().zip(row.words()) {
            let shown = if row.is_own() { format!("euca {word}") } else { program.clone() };
            pages.push(match first == program {
                true => pages::man(&program, &row.parser(&shown)),
                false => pages::same_as(&program, &first),
            });
            if !row.is_own() {
                pages.extend(pages::completions(&program, row.parser(&program)));
            }
            whole = whole.subcommand(row.parser(&program).name(word));
        }
    }
    pages.push(pages::overview(&whole));
    pages.extend(pages::completions("euca", whole));
    pages
}

fn overview() -> String {
    let mut text =
        "Usage: euca COMMAND [OPTION...] [ARGUMENT...]\n   or: euca-COMMAND … by a link \
                    of that name\n"
            .to_owned();
    list(&mut text, "Commands", TABLE.iter());
    list(&mut text, "Administration of the cloud, also as euca admin COMMAND", admin::ROWS.iter());
    list(&mut text, "Users, groups, roles and accounts", euare::ROWS.iter().copied().flatten());
    text.push_str("\neuca COMMAND --help tells the options of a command.\n");
    text
}

fn administration() -> String {
    let mut text = "Usage: euca admin COMMAND [OPTION...] [ARGUMENT...]\n".to_owned();
    list(&mut text, "Commands", rows().filter(|row| row.is_administration()));
    text.push_str("\neuca admin COMMAND --help tells the options of a command.\n");
    text
}

fn list<'a>(text: &mut String, heading: &str, rows: impl Iterator<Item = &'a Row>) {
    text.push_str(&format!("\n{heading}:\n"));
    for row in rows {
        let names: Vec<&str> = row.words().collect();
        text.push_str(&format!("  {:<28} {}\n", names.join(", "), row.about()));
    }
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
        for row in rows() {
            row.parser("euca-x").debug_assert();
            assert!(row.programs().all(|program| names.insert(program)), "{}", row.about());
            assert!(overview().contains(row.words().next().unwrap()));
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
        for row in rows().filter(|row| !row.is_own()) {
            let first = row.programs().next().unwrap();
            for (program, word) in row.programs().zip(row.words()) {
                let command = row.parser(&program);
                let shown: Vec<_> = command.get_arguments().filter(|a| !a.is_hide_set()).collect();
                for (before, after) in PLACES {
                    let text = page(&format!("{before}{program}{after}"));
                    if *before == "man/man1/" && program != first {
                        assert_eq!(text, format!(".so man1/{first}.1\n"));
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
                assert!(page("man/man1/euca.1").contains(word));
                assert!(page("bash-completion/completions/euca").contains(word));
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
        for arguments in
            [&["/usr/bin/euare-usercreate", "--help"][..], &["euca", "euare-usercreate", "-h"]]
        {
            let (status, out, err) = called(arguments);
            assert_eq!((status, err.as_str()), (0, ""), "{arguments:?}");
            assert!(out.contains("Usage: euare-usercreate"), "{out}");
        }
        for arguments in [
            &["euca-add-user", "--help"][..],
            &["euca", "add-user", "--help"],
            &["euca", "admin", "add-user", "--help"],
            &["euca", "admin", "euca-add-user", "-h"],
        ] {
            let (status, out, err) = called(arguments);
            assert_eq!((status, err.as_str()), (0, ""), "{arguments:?}");
            assert!(out.contains("Usage: euca-add-user"), "{out}");
        }
        let (status, out, _) = called(&["euca", "admin"]);
        assert!(status == 0 && out.contains("add-user-group") && !out.contains("run-instances"));
        assert_eq!(called(&["euca", "admin", "--help"]).1, out);
        let (status, _, err) = called(&["euca", "admin", "run-instances"]);
        assert_eq!(status, 2);
        assert!(err.contains("no command 'admin run-instances'"), "{err}");
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
            &["download-bundle", "-b", "b/p", "-m", "m", "-d", "/tmp", "-a", "AK", "-s", "SK"],
            &["delete-bundle", "-b", "b", "-p", "p", "--clear", "-a", "AK", "-s", "SK"],
            &["check-bucket", "--bucket", "b", "-a", "AK", "-s", "SK"],
            &["download-and-unbundle", "-b", "b", "--local-manifest", "m", "-d", "f", "-k", "key"],
            &["unbundle-stream", "-i", "f", "-o", "g", "--enc-key", "0", "--enc-iv", "1"],
            &["install-image", "-n", "n", "-i", "f", "-r", "i386", "-b", "b", "--ec2-url", "u"],
            &[
                "bundle-and-upload-image",
                "-i",
                "f",
                "-b",
                "b",
                "--max-pending-parts",
                "2",
                "--preserve-bundle",
                "-d",
                "/tmp",
                "--retry",
                "--location",
                "here",
                "--upload-policy-file",
                "p",
            ],
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
            &["euare-usercreate", "-u", "taro", "-p", "/d/", "-g", "g", "-k", "--verify"],
            &["euare-usercreate", "taro", "-w", "-d", "cloud.example", "-l", "--as-account", "a"],
            &["euare-userdel", "-u", "taro", "-r", "-p", "-R"],
            &[
                "euare-useraddpolicy",
                "-u",
                "t",
                "-p",
                "p",
                "-e",
                "Allow",
                "-a",
                "*",
                "-r",
                "*",
                "-o",
            ],
            &["euare-roleaddpolicy", "-r", "t", "-p", "p", "-e", "Deny", "-a", "*", "-c", "*"],
            &["euare-groupadduser", "-g", "g", "-u", "taro"],
            &["euare-usermod", "taro", "-n", "jiro", "-p", "/", "--enabled", "true"],
            &["euare-userdelkey", "-k", "AKI", "-u", "taro", "-I", "AK", "-S", "SK"],
            &["euare-rolecreate", "-r", "r", "--service", "ec2.amazonaws.com", "-v"],
            &["euare-instanceprofileaddrole", "-s", "p", "-r", "r"],
            &["euare-assumerole", "role/r", "-d", "900", "-s", "--policy-document", "f"],
            &["euare-accountcreate", "-a", "taro", "-w"],
            &["add-user", "-e", "t@example.com", "-a", "taro"],
            &["add-user", "-n", "taro"],
            &["add-group-membership", "-u", "taro", "gold"],
            &["grant-zone-permission", "gold", "-z", "eucalyptus-1a"],
            &["modify-property", "-p", "a.b=c", "-p", "d.e="],
            &["register-cluster", "-H", "host", "-p", "8774", "name"],
        ] {
            let row = find(&full(arguments[0])).unwrap();
            let parsed = row.parser("euca-x").try_get_matches_from(&arguments[1..]);
            assert!(parsed.is_ok(), "{arguments:?}: {}", parsed.unwrap_err());
        }
    }
}
