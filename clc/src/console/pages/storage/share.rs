//! A link by which whoever has it reads an object for a while.

use std::time::Duration;

use common::error::{ApiError, ErrorCode};
use common::sign::percent_encode;
use maud::{Markup, html};

use super::places::{in_field, name_of, object_path, of_field};
use crate::console::components::{form, moment, notice};
use crate::console::reply::Reply;
use crate::console::s3::Ask;
use crate::console::text::Text;
use crate::console::texts::storage as say;
use crate::console::visit::Visit;

/// How long links may be good, in seconds: no longer than a session of a user can be.
const LIVES: [(&str, u64, Text); 4] = [
    ("900", 900, say::MINUTES_15),
    ("3600", 3600, say::HOUR_1),
    ("43200", 43_200, say::HOURS_12),
    ("129600", 129_600, say::HOURS_36),
];

/// The form.
pub(super) fn asked(visit: &Visit, key: &str) -> Markup {
    let words = visit.words;
    let inside = html! {
        input type="hidden" name="key" value=(in_field(key));
        p { (words.t(say::SHARE_LEAD)) }
        div.field {
            label for="life" { (words.t(say::LIFETIME)) }
            select id="life" name="life" {
                @for (value, _, name) in LIVES {
                    option value=(value) selected[value == "3600"] { (words.t(name)) }
                }
            }
        }
        button.second type="submit" { (words.t(say::MAKE_LINK)) }
    };
    form(visit, &format!("/buckets/{}/share", percent_encode(visit.part(0))), &inside)
}

/// Makes the link, which stands on this page alone.
pub(crate) async fn make(visit: Visit) -> Result<Reply, ApiError> {
    let (words, bucket) = (visit.words, visit.part(0));
    let key = &*of_field(visit.form.get("key"));
    let life = LIVES.iter().find(|(value, ..)| *value == visit.form.get("life"));
    let (_, life, _) = life.ok_or_else(|| {
        ApiError::new(ErrorCode::InvalidParameterValue, "A link cannot be good so long")
    })?;
    // Whoever may not read it, or mistypes it, hears of it now, and not whoever gets the link.
    visit.s3(Ask::new("HEAD", bucket).key(key)).await?;
    let life = Duration::from_secs(*life);
    let link = visit.s3_link(bucket, key, life).await?;
    let seconds = life.as_secs().to_string();
    let said = [("bucketName", bucket), ("key", key), ("expires", seconds.as_str())];
    visit.note("ShareObject", &said).await?;
    let until = moment(visit.desk.people.now().plus(life)).into_string();
    let until = until.split('>').nth(1).and_then(|text| text.split('<').next()).unwrap_or_default();
    let main = html! {
        (notice("good", words.t(say::LINK), &words.fill(say::LINK_UNTIL, &[("until", until)])))
        div.field.wide {
            label for="link" { (words.t(say::LINK)) }
            textarea.link id="link" rows="7" readonly { (link) }
        }
        p.links { a href=(object_path(bucket, "object", key)) { (words.t(say::BACK_TO_OBJECT)) } }
    };
    Ok(Reply::page(name_of(key), main))
}
