//! Man pages and shell completions, made from the options that are parsed.
//!
//! Nothing is written down twice: a page is what clap knows of a command, in another form. Whoever
//! installs the program has them written beside its links, so that nothing more is needed to use
//! them than a shell and `man`.

use clap_complete::Shell;
use clap_mangen::Man;

/// A file to be installed.
pub(crate) struct Page {
    /// Its path below the directory of shared files.
    pub(crate) path: String,
    /// What is in it.
    pub(crate) bytes: Vec<u8>,
}

/// What every page ends with.
const END: &str = r#".SH "EXIT STATUS"
0 if everything was done, 1 if something failed, 2 if the command was called wrongly.
.SH ENVIRONMENT
.TP
EC2_URL, S3_URL
The endpoints; also AWS_ENDPOINT_URL_EC2 and AWS_ENDPOINT_URL_S3.
.TP
EUARE_URL, TOKEN_URL
The endpoints of IAM and STS; also AWS_IAM_URL, AWS_ENDPOINT_URL_IAM and AWS_ENDPOINT_URL_STS.
.TP
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
The access key; also EC2_ACCESS_KEY and EC2_SECRET_KEY.
.TP
AWS_SESSION_TOKEN
The session token of a temporary access key; also AWS_SECURITY_TOKEN.
.TP
EC2_USER_ID, EC2_CERT, EC2_PRIVATE_KEY, EUCALYPTUS_CERT
The account number, your certificate and private key, and the cloud's certificate, for bundles.
.TP
EUCA_DEFAULT_REGION, EUCA_CONFIG_PATH
The user and region of euca2ools.ini, and where that file is.
.SH FILES
/etc/euca2ools/euca2ools.ini, /etc/euca2ools/conf.d/*.ini, ~/.euca/*.ini
"#;

/// The man page of a command that is called `program`.
pub(crate) fn man(program: &str, command: &clap::Command) -> Page {
    let title = program.to_uppercase();
    let mut text = rendered(Man::new(command.clone()).title(title).section("1"));
    text.push_str(END);
    text.push_str(".SH \"SEE ALSO\"\n.BR euca (1)\n");
    page(program, text)
}

/// The man page of a command that is another one's by a second name.
pub(crate) fn same_as(program: &str, first: &str) -> Page {
    page(program, format!(".so man1/{first}.1\n"))
}

/// The man page of the program, which lists all commands.
pub(crate) fn overview(whole: &clap::Command) -> Page {
    let mut text = ".TH EUCA 1\n.SH NAME\neuca \\- the command line of the cloud\n.SH SYNOPSIS\n\
                    .B euca\n.I COMMAND\n[\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]\n.PP\n\
                    .BI euca\\- COMMAND\n[\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]\n.SH COMMANDS\n"
        .to_owned();
    for command in whole.get_subcommands() {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        text.push_str(&format!(".TP\n.B {}\n{about}\n", command.get_name().replace('-', "\\-")));
    }
    text.push_str(END);
    page("euca", text)
}

fn page(program: &str, text: String) -> Page {
    Page { path: format!("man/man1/{program}.1"), bytes: text.into_bytes() }
}

/// Renders a page; writing to memory does not fail, and half a page is as good as none.
fn rendered(man: Man) -> String {
    let mut bytes = Vec::new();
    match man.render(&mut bytes) {
        Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => String::new(),
    }
}

/// The completions of a command that is called `program`, for each shell.
pub(crate) fn completions(program: &str, command: clap::Command) -> Vec<Page> {
    let places = [
        (Shell::Bash, format!("bash-completion/completions/{program}")),
        (Shell::Zsh, format!("zsh/site-functions/_{program}")),
        (Shell::Fish, format!("fish/vendor_completions.d/{program}.fish")),
    ];
    places
        .into_iter()
        .map(|(shell, path)| {
            let mut bytes = Vec::new();
            clap_complete::generate(shell, &mut command.clone(), program, &mut bytes);
            Page { path, bytes }
        })
        .collect()
}
