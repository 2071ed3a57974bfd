//! What was done in this session, as the exact lines of clients.

use common::error::ApiError;
use maud::html;

use crate::console::components::{lines_of, moment};
use crate::console::reply::Reply;
use crate::console::texts::lines as say;
use crate::console::visit::Visit;

/// What a shell needs before.
const SHELL: &str = ". ./eucarc";
/// What Python needs before.
const PYTHON: &str = "import os\nimport boto3";

/// All of them, the last first.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let all = visit.desk.kept.done.of(&visit.viewer()?.session.digest);
    let main = html! {
        p { (words.t(say::LINES_LEAD)) }
        @if all.is_empty() {
            p.empty { (words.t(say::LINES_NONE)) }
        } @else {
            h2 { (words.t(say::BEFORE)) }
            p { (words.t(say::BEFORE_TEXT)) " " a href="/credentials" { (words.t(say::GET_ZIP)) } }
            @for (name, line) in [("Shell", SHELL), ("Python", PYTHON)] {
                div.line {
                    span.client { (name) }
                    pre.output tabindex="0" data-copy=(words.t(say::COPY))
                        data-copied=(words.t(say::COPIED)) { (line) }
                }
            }
            p.quiet { (words.t(say::SECRETS)) }
            @for done in &all {
                section.done {
                    h2 { (done.action) " " span.quiet { (moment(done.at)) } }
                    (lines_of(words, done))
                }
            }
        }
    };
    Ok(Reply::page(words.t(say::LINES), main))
}
