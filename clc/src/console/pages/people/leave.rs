//! Deleting a user, with a choice of what becomes of what they own. What comes of it is followed on the
//! user's page.

use common::administration::accounts::DeleteUser;
use common::error::{ApiError, ErrorCode};
use common::wire::registrar::PersonView;
use maud::{Markup, html};

use super::parts::{after, back, described, name_of, named};
use crate::console::components::{Field, field, form, notice, refusal, status, told_beside};
use crate::console::reply::Reply;
use crate::console::texts::people as say;
use crate::console::visit::Visit;

/// The form.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let found = described(&visit).await?;
    Ok(asking(&visit, &found, &html! {}))
}

fn asking(visit: &Visit, found: &PersonView, above: &Markup) -> Reply {
    let words = visit.words;
    let name = found.registered.name.as_str();
    let chosen = visit.form.get("belongings");
    let choice = |word: &str, text| {
        html! {
            label.choice {
                input type="radio" name="belongings" value=(word) required
                    checked[chosen == word || (chosen.is_empty() && word == "refuse")];
                span { (words.t(text)) }
            }
        }
    };
    let heir = Field {
        name: "heir",
        label: words.t(say::HEIR),
        hint: words.t(say::HEIR_HINT),
        value: visit.form.line("heir"),
        autocomplete: "off",
        ..Field::default()
    };
    let again = Field {
        name: "again",
        label: words.t(say::NAME_AGAIN),
        required: true,
        autocomplete: "off",
        ..Field::default()
    };
    let inside = html! {
        (name_of(name))
        fieldset.field {
            legend { (words.t(say::WHAT_BECOMES)) }
            (choice("refuse", say::REFUSE))
            (choice("give", say::GIVE))
            (field(words, &heir))
            (choice("end", say::END))
        }
        (field(words, &again))
        button.danger type="submit" { (words.t(say::DELETE_DO)) }
    };
    let main = html! {
        (back(words, name))
        (above)
        @if found.registered.deletion.is_some() {
            (notice("plain", words.t(say::DELETE_UNDER_WAY), ""))
        }
        p { (words.fill(say::DELETE_LEAD, &[("name", name)])) }
        p { (words.fill(say::DELETE_OWNS, &[("name", name)])) }
        (owned(visit, found))
        p.quiet { (words.t(say::DELETE_BUCKETS)) }
        (form(visit, "/people/user/delete", &inside))
    };
    Reply::page(words.t(say::DELETE_TITLE), main)
}

/// What somebody owns.
pub(super) fn owned(visit: &Visit, found: &PersonView) -> Markup {
    html! {
        @if found.owned.is_empty() {
            p.quiet { (visit.words.t(say::OWNS_NOTHING)) }
        } @else {
            ul { @for it in &found.owned { li lang="en" { (it) } } }
        }
    }
}

/// Deletes, or begins to.
pub(crate) async fn delete(visit: Visit) -> Result<Reply, ApiError> {
    match begun(&visit).await {
        Ok(reply) => Ok(reply),
        Err(error) => {
            let error = told_beside(error)?;
            let found = described(&visit).await.map_err(|_| error.clone())?;
            let reply = asking(&visit, &found, &refusal(visit.words, &error));
            Ok(reply.status(status(&error)))
        }
    }
}

async fn begun(visit: &Visit) -> Result<Reply, ApiError> {
    let name = named(visit);
    if !visit.form.line("again").eq_ignore_ascii_case(&name) {
        let text = "The two names are not the same";
        return Err(ApiError::new(ErrorCode::InvalidParameterValue, text));
    }
    let belongings = visit.form.some("belongings");
    let gives = belongings.as_deref() == Some("give");
    let heir = visit.form.some("heir").filter(|_| gives);
    visit.call(DeleteUser { user_name: name.clone(), belongings, heir }).await?;
    // What owned little is gone already.
    Ok(match described(visit).await {
        Ok(_) => Reply::see(after("/people/user", &name, "leaving")),
        Err(_) => Reply::see(after("/people", &name, "deleted")),
    })
}
