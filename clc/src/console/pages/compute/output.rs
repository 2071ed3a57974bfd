//! What an instance writes on its console: its end, which follows as it grows, and all that is kept of it
//! as a file.
//!
//! Nothing tells the clc that a guest wrote something, so whoever looks has it asked for every few
//! seconds, as long as they look. What is shown is bounded, and is text: what would move a terminal's
//! cursor or colour it is left out.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::ec2::instances::GetConsoleOutput;
use common::error::ApiError;
use maud::{Markup, html};
use runtime::pool;
use store::Rev;
use tokio::sync::watch;

use super::inputs;
use super::instance::{found, tabs, title};
use crate::console::components::{moment, notice};
use crate::console::live::mark;
use crate::console::look::Look;
use crate::console::reply::{Answer, Reply};
use crate::console::text::Words;
use crate::console::texts::instances as say;
use crate::console::visit::Visit;

/// How much of the output is shown on the page, in bytes.
const SHOWN: usize = 32 << 10;
/// How often it is asked for, while somebody looks.
const EVERY: Duration = Duration::from_secs(3);

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let look = visit.look(false)?;
    let instance = found(&look, visit.part(0)).await?;
    let id = instance.instance_id.as_str();
    let part = drawn(&look, words, id).await?;
    let stream = format!("/instances/{id}/console/live");
    let main = html! {
        (tabs(&visit, id, "/console"))
        // Nobody wants to be told every few seconds that there is more of it.
        div.live data-live=(stream) data-mark=(mark(&part)) data-said="" { (part) }
        p.unseen role="status" {}
        p.links { a href={ "/instances/" (id) "/output" } { (words.t(say::KEEP_OUTPUT)) } }
        (inputs::script())
    };
    Ok(Reply::page(title(&instance), main))
}

/// It again and again.
pub(crate) async fn live(visit: Visit) -> Result<Reply, ApiError> {
    let (words, id) = (visit.words, visit.part(0).to_owned());
    let changes = every(&visit.desk.people.records.instances.watch(), EVERY);
    let draw = move |viewer| {
        let (look, id) = (visit.look_of(viewer), id.clone());
        async move { drawn(&look, words, &id).await }
    };
    Ok(Reply::live(changes, draw))
}

/// All of it that there is, as a file, as it was written.
pub(crate) async fn file(visit: Visit) -> Result<Reply, ApiError> {
    let id = visit.part(0).to_owned();
    let answer = visit.call(GetConsoleOutput { instance_id: id.clone() }).await?;
    let bytes = STANDARD.decode(answer.output).unwrap_or_default();
    let (name, content_type) = (format!("{id}.log"), "text/plain; charset=utf-8");
    Ok(Answer::File { name, content_type, bytes }.into())
}

/// Says that something may have changed, again and again, until nobody listens.
fn every(like: &watch::Receiver<Rev>, span: Duration) -> watch::Receiver<Rev> {
    let now = *like.borrow();
    let (sender, ticks) = watch::channel(now);
    pool::spawn(async move {
        loop {
            tokio::select! {
                () = sender.closed() => return,
                () = tokio::time::sleep(span) => sender.send_modify(|_| {}),
            }
        }
    });
    ticks
}

async fn drawn(look: &Look, words: Words, id: &str) -> Result<Markup, ApiError> {
    let answer = match look.call(GetConsoleOutput { instance_id: id.to_owned() }).await {
        Ok(answer) => answer,
        // That it cannot be read now, or not any more, is what there is to be seen.
        Err(error) => {
            let text = inputs::sentence(words, &error);
            return Ok(html! {
                (notice("plain", words.t(say::OUTPUT_AWAY), ""))
                p.quiet { (text) }
            });
        }
    };
    let bytes = STANDARD.decode(answer.output).unwrap_or_default();
    let text = plain(&String::from_utf8_lossy(&bytes));
    let end = text.len().saturating_sub(SHOWN);
    let end = (end..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    Ok(html! {
        @if text.is_empty() {
            p.empty { (words.t(say::NO_OUTPUT)) }
        } @else {
            p.quiet {
                (words.t(if end > 0 { say::OUTPUT_END } else { say::OUTPUT_ALL })) " "
                (words.t(say::OUTPUT_AT)) " " (moment(answer.timestamp.0))
            }
            pre.output.tall id="output" data-follow="" tabindex="0" role="region" aria-label=(words.t(say::OUTPUT)) { (text[end..]) }
        }
    })
}

/// What is text of what a terminal is sent.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => match rest.next() {
                // CSI: parameters, and one letter that ends them.
                Some('[') => while rest.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
                // OSC: until a bell, or until the escape that ends it.
                Some(']') => {
                    while let Some(c) = rest.next() {
                        if c == '\u{1b}' {
                            rest.next();
                        }
                        if matches!(c, '\u{7}' | '\u{1b}') {
                            break;
                        }
                    }
                }
                // A choice of character sets names one.
                Some('(' | ')' | '#') => drop(rest.next()),
                _ => {}
            },
            '\r' if rest.peek() == Some(&'\n') => {}
            '\r' => out.push('\n'),
            '\n' | '\t' => out.push(c),
            '\u{8}' => drop(out.pop()),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_a_terminal_is_left_out() {
        for (written, text) in [
            ("hello\r\nworld\n", "hello\nworld\n"),
            ("\u{1b}[2J\u{1b}[01;32mok\u{1b}[0m", "ok"),
            ("\u{1b}]0;title\u{7}a\u{1b}]0;t\u{1b}\\b", "ab"),
            ("10%\r20%\r\n", "10%\n20%\n"),
            ("ab\u{8}c\u{0}\u{1b}(Bd", "acd"),
            ("\u{1b}[", ""),
            ("日本\u{1b}", "日本"),
        ] {
            assert_eq!(plain(written), text, "{written:?}");
        }
    }
}
