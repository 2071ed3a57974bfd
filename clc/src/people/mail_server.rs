//! The mail server: one connection a mail, by TLS unless it is this host's own.
//!
//! What the library is given is typed: addresses it has parsed, a subject that it encodes, a text
//! that it encodes. No header is ever put together from text here.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::address::AddressError;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{SmtpTransport, Transport as _};
use thiserror::Error;

use crate::config::{Mail, MailSecurity};
use crate::records::QueuedMail;

/// How long the server may take for one step.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whoever takes mails. Cheap to clone.
#[derive(Clone)]
pub struct MailServer {
    transport: SmtpTransport,
    from: Mailbox,
    host: String,
}

/// Why there can be no mail server.
#[derive(Debug, Error)]
pub enum NoServer {
    /// A file cannot be read.
    #[error("mail: cannot read {path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than its owner may read the password.
    #[error("mail.password_file {path} has mode {mode:o}; it must be 0600", path = path.display())]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The authority's certificate or the server's name cannot be used for TLS.
    #[error("mail: TLS cannot be used: {0}")]
    Tls(lettre::transport::smtp::Error),
    /// The sender's address cannot be used.
    #[error("mail.from: {0}")]
    From(#[from] AddressError),
}

/// Why a mail was not sent.
#[derive(Debug, Error)]
pub enum Unsent {
    /// The server does not want it, now or ever.
    #[error("{0}")]
    Refused(String),
    /// The server cannot be reached, or wants it later.
    #[error("{0}")]
    Later(String),
    /// There is nobody to talk to: other mails would fare no better.
    #[error("{0}")]
    Away(String),
}

impl MailServer {
    /// The configured server, if there is one. Blocks.
    ///
    /// # Errors
    /// Says what cannot be used.
    pub fn new(config: &Mail, host: &str) -> Result<Option<Self>, NoServer> {
        if config.server.is_empty() {
            return Ok(None);
        }
        let name = config.server.clone();
        let (tls, port) = match config.security {
            MailSecurity::None => (Tls::None, 25),
            MailSecurity::Starttls => (Tls::Required(parameters(config, name)?), 587),
            MailSecurity::Tls => (Tls::Wrapper(parameters(config, name)?), 465),
        };
        let port = if config.port == 0 { port } else { config.port };
        let mut builder = SmtpTransport::builder_dangerous(&config.server)
            .port(port)
            .tls(tls)
            .timeout(Some(PATIENCE));
        if !config.user.is_empty() {
            let password = secret(&config.password_file)?;
            builder = builder.credentials(Credentials::new(config.user.clone(), password));
        }
        let from = Mailbox::new(None, config.from.parse()?);
        Ok(Some(Self { transport: builder.build(), from, host: host.to_owned() }))
    }

    /// Hands a mail in. Blocks.
    ///
    /// # Errors
    /// Whether it is worth to try again.
    pub fn send(&self, mail: &QueuedMail, reply_to: &str) -> Result<(), Unsent> {
        let message = self.message(mail, reply_to)?;
        match self.transport.send(&message) {
            Ok(_) => Ok(()),
            Err(error) => {
                let text = chain(&error);
                Err(match error.status() {
                    // What the server says of the sender or of itself (530, 535) changes with it.
                    Some(code) if error.is_permanent() && !code.to_string().starts_with("53") => {
                        Unsent::Refused(text)
                    }
                    Some(_) => Unsent::Later(text),
                    None => Unsent::Away(text),
                })
            }
        }
    }

    fn message(&self, mail: &QueuedMail, reply_to: &str) -> Result<Message, Unsent> {
        let refused = |error: &dyn std::fmt::Display| Unsent::Refused(error.to_string());
        let to = mail.to.parse().map_err(|error: AddressError| refused(&error))?;
        let mut builder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.subject.clone())
            // One that is sent twice is known by it.
            .message_id(Some(format!("<{}@{}>", mail.id, self.host)))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN);
        if !reply_to.is_empty() {
            let address = reply_to.parse().map_err(|error: AddressError| refused(&error))?;
            builder = builder.reply_to(Mailbox::new(None, address));
        }
        builder.body(mail.body.clone()).map_err(|error| refused(&error))
    }
}

/// Tells programs that answer mails not to answer this one.
#[derive(Clone, Copy)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

fn parameters(config: &Mail, name: String) -> Result<TlsParameters, NoServer> {
    let mut builder = TlsParameters::builder(name);
    let path = &config.ca_file;
    if !path.as_os_str().is_empty() {
        let pem = fs::read(path).map_err(|source| NoServer::File { path: path.clone(), source })?;
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(NoServer::Tls)?);
    }
    builder.build().map_err(NoServer::Tls)
}

fn secret(path: &Path) -> Result<String, NoServer> {
    let failed = |source| NoServer::File { path: path.to_owned(), source };
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(NoServer::Mode { path: path.to_owned(), mode });
    }
    Ok(fs::read_to_string(path).map_err(failed)?.trim_end_matches(['\r', '\n']).to_owned())
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use common::time::Timestamp;

    use super::*;

    fn mail(to: &str, subject: &str) -> QueuedMail {
        QueuedMail {
            id: "1-2".into(),
            to: to.into(),
            subject: subject.into(),
            body: "山田 様\n.\nend".into(),
            queued: Timestamp::EPOCH,
            next: Timestamp::EPOCH,
            tries: 0,
            error: None,
            given_up: None,
            until: None,
        }
    }

    fn server() -> MailServer {
        let config = Mail {
            server: "127.0.0.1".into(),
            security: MailSecurity::None,
            from: "cloud@example.com".into(),
            ..Mail::default()
        };
        MailServer::new(&config, "cloud").unwrap().unwrap()
    }

    #[test]
    fn no_field_writes_a_header() {
        let server = server();
        let message =
            server.message(&mail("taro@example.com", "確認\r\nBcc: x@y"), "help@x").unwrap();
        let text = String::from_utf8(message.formatted()).unwrap();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        assert!(!head.lines().any(|line| line.to_lowercase().starts_with("bcc")), "{head}");
        assert!(head.contains("Auto-Submitted: auto-generated"), "{head}");
        assert!(head.contains("Message-ID: <1-2@cloud>") && head.contains("Reply-To: help@x"));
        for bad in ["", "a", "a@b\r\nBcc: c@d", "a@b, c@d"] {
            assert!(server.message(&mail(bad, "s"), "").is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_password_that_others_may_read_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "secret\n").unwrap();
        assert_eq!(secret(file.path()).unwrap(), "secret");
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(secret(file.path()), Err(NoServer::Mode { mode: 0o640, .. })));
        assert!(secret(Path::new("/no/such/file")).is_err());
    }

    #[test]
    fn a_server_that_is_away_is_not_the_mails_fault() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let config = Mail {
            server: "127.0.0.1".into(),
            port,
            security: MailSecurity::None,
            from: "cloud@example.com".into(),
            ..Mail::default()
        };
        let server = MailServer::new(&config, "cloud").unwrap().unwrap();
        let sent = server.send(&mail("taro@example.com", "s"), "");
        assert!(matches!(sent, Err(Unsent::Away(_))), "{sent:?}");
    }
}
