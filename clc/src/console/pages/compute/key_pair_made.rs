//! A key pair made here, or imported.
//!
//! The private half is in the answer to the form that asked for it and nowhere else: the page shows it,
//! and to be had as a file it is sent back in the body of a form, whose answer is that file. So it needs
//! no script, is never part of an address, and is not kept between the two.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::ec2::keys::{CreateKeyPair, CreatedKeyPair, ImportKeyPair};
use common::error::{ApiError, ErrorCode};
use maud::{Markup, html};

use super::inputs::{self, FileInto, Input};
use crate::console::components::{form, notice, status, token, told_beside};
use crate::console::reply::{Answer, Reply};
use crate::console::texts::key_pairs as say;
use crate::console::visit::Visit;

/// How large the file of a public key may be; the API takes no larger ones.
const LARGEST: usize = 16 << 10;
/// How large a private key may be that is sent back to be had as a file.
const LARGEST_PRIVATE: usize = 8 << 10;

/// The form of a new one.
pub(crate) async fn new(visit: Visit) -> Result<Reply, ApiError> {
    Ok(asking(&visit, None))
}

/// Makes one and shows its private half.
pub(crate) async fn create(visit: Visit) -> Result<Reply, ApiError> {
    let ask = CreateKeyPair {
        key_name: visit.form.line("name").to_owned(),
        key_type: visit.form.some("kind"),
        ..CreateKeyPair::default()
    };
    match visit.call(ask).await {
        Ok(made) => {
            let words = visit.words;
            let onward = html! {
                p.acts { a.button.second href="/key-pairs" { (words.t(say::SAVED)) } }
            };
            Ok(shown(&visit, &made, &onward))
        }
        Err(error) => {
            let error = told_beside(error)?;
            Ok(asking(&visit, Some(&error)).status(status(&error)))
        }
    }
}

/// The private half of a key pair, this once, and where it goes on from there.
pub(super) fn shown(visit: &Visit, made: &CreatedKeyPair, onward: &Markup) -> Reply {
    let words = visit.words;
    let file = file_name(&made.key_name);
    let named = [("name", made.key_name.as_str())];
    let download = words.fill(say::DOWNLOAD, &[("file", &file)]);
    let main = html! {
        (notice("busy", words.t(say::MADE_TEXT), ""))
        form.acts method="post" action="/key-pairs/file" data-again="" {
            (token(visit))
            input type="hidden" name="name" value=(made.key_name);
            input type="hidden" name="material" value=(made.key_material);
            button type="submit" { (download) }
        }
        div.field.broad {
            label for="private-key" { (words.fill(say::PRIVATE_KEY, &named)) }
            textarea.code id="private-key" rows="12" readonly autocomplete="off" spellcheck="false" { (made.key_material) }
        }
        p { (words.t(say::KEEP)) }
        pre.command tabindex="0" { "chmod 600 " (quoted(&file)) }
        dl.facts {
            dt { (words.t(say::FINGERPRINT)) }
            dd { code { (made.key_fingerprint) } }
        }
        (onward)
    };
    Reply::page(words.t(say::MADE), main)
}

/// What was shown, as a file.
pub(crate) async fn file(visit: Visit) -> Result<Reply, ApiError> {
    let material = visit.form.get("material").replace("\r\n", "\n");
    let is_key = material.starts_with("-----BEGIN ") && material.contains("PRIVATE KEY-----");
    if !is_key || material.len() > LARGEST_PRIVATE {
        return Err(ApiError::new(ErrorCode::InvalidParameterValue, "This is no private key"));
    }
    let name = file_name(visit.form.get("name"));
    let bytes = material.into_bytes();
    Ok(Answer::File { name, content_type: "application/x-pem-file", bytes }.into())
}

/// The name of a key's file: any name may be given to a key pair, and not every one to a file.
pub(super) fn file_name(key: &str) -> String {
    let plain = |c: char| if c.is_control() || "/\\:*?\"<>|".contains(c) { '_' } else { c };
    let name: String = key.chars().take(60).map(plain).collect();
    format!("{}.pem", name.trim_start_matches(['.', '-']))
}

/// A word as a shell takes it.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/@:~".contains(c);
    match word.chars().all(is_plain) && !word.is_empty() {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

fn asking(visit: &Visit, error: Option<&ApiError>) -> Reply {
    let words = visit.words;
    let kind = visit.form.some("kind").unwrap_or_else(|| "rsa".to_owned());
    let (rsa, ed25519) = ((say::RSA, say::RSA_HINT), (say::ED25519, say::ED25519_HINT));
    let kinds = [
        ("rsa", words.t(rsa.0), words.t(rsa.1)),
        ("ed25519", words.t(ed25519.0), words.t(ed25519.1)),
    ];
    let inside = html! {
        (inputs::line(words, "text", Input {
            name: "name", label: words.t(say::NAME), hint: words.t(say::NAME_HINT),
            value: visit.form.line("name"), required: true, wrong: error,
        }))
        (inputs::options(words, &kinds, Input {
            name: "kind", label: words.t(say::KIND), value: &kind, required: true, ..Input::default()
        }))
        button type="submit" { (words.t(say::CREATE)) }
    };
    let main = html! {
        p.links.up { a href="/key-pairs" { (words.t(say::KEY_PAIRS)) } }
        p { (words.t(say::CREATE_LEAD)) }
        (form(visit, "/key-pairs/new", &inside))
    };
    Reply::page(words.t(say::CREATE), main)
}

/// The form of one whose public half somebody has.
pub(crate) async fn import(visit: Visit) -> Result<Reply, ApiError> {
    Ok(importing(&visit, None))
}

/// Takes a public key.
pub(crate) async fn take(visit: Visit) -> Result<Reply, ApiError> {
    let ask = ImportKeyPair {
        key_name: visit.form.line("name").to_owned(),
        public_key_material: STANDARD.encode(visit.form.line("material")),
        ..ImportKeyPair::default()
    };
    match visit.call(ask).await {
        Ok(_) => Ok(Reply::see("/key-pairs?done=imported")),
        Err(error) => {
            let error = told_beside(error)?;
            Ok(importing(&visit, Some(&error)).status(status(&error)))
        }
    }
}

fn importing(visit: &Visit, error: Option<&ApiError>) -> Reply {
    let words = visit.words;
    // What is wrong with the key is said beside it; all else is about its name.
    let of_key = error.filter(|error| error.code() == ErrorCode::InvalidKeyFormat);
    let of_name = error.filter(|_| of_key.is_none());
    let inside = html! {
        (inputs::line(words, "text", Input {
            name: "name", label: words.t(say::NAME), hint: words.t(say::NAME_HINT),
            value: visit.form.line("name"), required: true, wrong: of_name,
        }))
        (inputs::lines(words, 6, Input {
            name: "material", label: words.t(say::MATERIAL), hint: words.t(say::MATERIAL_HINT),
            value: visit.form.get("material"), required: true, wrong: of_key,
        }))
        (inputs::file(&FileInto {
            into: "material", packed: None, label: words.t(say::FILE),
            unusable: words.t(say::FILE_UNUSABLE), most: LARGEST,
        }))
        button type="submit" { (words.t(say::IMPORT)) }
    };
    let main = html! {
        p.links.up { a href="/key-pairs" { (words.t(say::KEY_PAIRS)) } }
        p { (words.t(say::IMPORT_LEAD)) }
        (form(visit, "/key-pairs/import", &inside))
        (inputs::script())
    };
    Reply::page(words.t(say::IMPORT), main)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_words_are_those_of_a_shell_and_a_disk() {
        for (key, file) in [
            ("web", "web.pem"),
            ("../../etc/passwd", "_.._etc_passwd.pem"),
            ("-rf", "rf.pem"),
            ("鍵 1", "鍵 1.pem"),
        ] {
            assert_eq!(file_name(key), file);
        }
        for (word, expected) in [("web.pem", "web.pem"), ("a b", "'a b'"), ("it's", "'it'\\''s'")] {
            assert_eq!(quoted(word), expected);
        }
    }
}
