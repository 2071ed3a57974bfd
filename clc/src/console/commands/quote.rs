//! Texts as shells and Python read them, whatever stands in them. Pure.

use std::fmt::Write as _;

/// A word of any shell.
pub(super) fn shell(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    let odd = |c: char| c != '\n' && is_unseen(c);
    if !text.chars().any(odd) {
        return quoted(text);
    }
    // What a terminal would act upon is written by printf. What ends in lines loses them there.
    let kept = text.trim_end_matches('\n');
    let mut format = String::new();
    for c in kept.chars() {
        match c {
            '%' => format.push_str("%%"),
            '\\' => format.push_str("\\\\"),
            c if is_unseen(c) => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    // Writing to a String does not fail.
                    let _ = write!(format, "\\{byte:03o}");
                }
            }
            c => format.push(c),
        }
    }
    let ends = &text[kept.len()..];
    let ends = if ends.is_empty() { String::new() } else { quoted(ends) };
    // A format that begins with a stroke is none of printf's options.
    format!("\"$(printf -- {})\"{ends}", quoted(&format))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// What controls a terminal, or turns the direction of writing.
pub(super) fn is_unseen(c: char) -> bool {
    crate::people::contact::is_control(c)
}

/// A text of Python.
pub(super) fn python(text: &str) -> String {
    let mut out = String::from("'");
    for c in text.chars() {
        match c {
            '\'' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unseen(c) => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const TEXTS: [&str; 14] = [
        "plain-1.2",
        "",
        "two words",
        "it's",
        "$HOME `id` $(id) \"x\" \\",
        "a\nb",
        "ends\n\n",
        "tab\there",
        "\u{1b}[31m 100% \\n 'q'\n",
        "-n",
        "-\t",
        "名前 ユーカリ",
        "a\u{202e}b",
        "!history ~ * ? [x] {a,b} #",
    ];

    #[test]
    fn shells_read_what_was_written() {
        for shell_of_many in ["sh", "bash"] {
            let words: Vec<_> = TEXTS.iter().map(|text| shell(text)).collect();
            let script = format!("for it in {}; do printf '%s\\0' \"$it\"; done", words.join(" "));
            let done = Command::new(shell_of_many).args(["-c", &script]).output().unwrap();
            let said = String::from_utf8(done.stdout).unwrap();
            let read: Vec<_> = said.split_terminator('\0').collect();
            assert_eq!(read, TEXTS, "{shell_of_many}: {script}");
        }
        assert_eq!((shell("a-b=1"), shell("a b")), ("a-b=1".into(), "'a b'".into()));
    }

    #[test]
    fn python_reads_what_was_written() {
        let words: Vec<_> = TEXTS.iter().map(|text| python(text)).collect();
        let script = format!(
            "import sys\nfor it in [{}]: sys.stdout.buffer.write(it.encode() + b'\\0')",
            words.join(", ")
        );
        let done = Command::new("python3").args(["-c", &script]).output().unwrap();
        let said = String::from_utf8(done.stdout).unwrap();
        let read: Vec<_> = said.split_terminator('\0').collect();
        assert_eq!(read, TEXTS, "{script}");
    }
}
