//! One's own second factor.
//!
//! ```text
//!   none ── begin: a device is made, its secret shown once ──▶ two codes in a row ──▶ on ── off ──▶ none
//!                ▲                                              │ wrong: the next two
//!                └───────────────── anew ───────────────────────┘
//! ```
//! A device that was begun and left is nobody's, and goes when another is begun.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::error::{ApiError, ErrorCode};
use common::euare::mfa::{
    CreateVirtualMFADevice, DeactivateMFADevice, DeleteVirtualMFADevice, Device, EnableMFADevice,
    ListMFADevices, Seed,
};
use maud::{Markup, html};

use super::credentials::is_owner;
use crate::console::components::{
    Field, button, field, form, moment, notice, refusal, status, told_beside,
};
use crate::console::reply::Reply;
use crate::console::texts::credentials as say;
use crate::console::visit::Visit;
use crate::people::picture;

/// Whether there is one, and what to do.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let above = match visit.query.get("done") {
        "on" => notice("good", words.t(say::FACTOR_ON), ""),
        "off" => notice("good", words.t(say::FACTOR_OFF), ""),
        _ => html! {},
    };
    told(&visit, &above).await
}

async fn told(visit: &Visit, above: &Markup) -> Result<Reply, ApiError> {
    let words = visit.words;
    let devices = visit.call(ListMFADevices::default()).await?.devices.member;
    let begin = html! { button type="submit" { (words.t(say::FACTOR_BEGIN)) } };
    let lost = if is_owner(visit)? { say::FACTOR_LOST_OWNER } else { say::FACTOR_LOST_USER };
    let main = html! {
        (above)
        p { (words.t(say::FACTOR_LEAD)) }
        @if let Some(device) = devices.first() {
            (is_on(visit, device))
        } @else {
            p { strong { (words.t(say::FACTOR_NONE)) } " " (words.t(say::FACTOR_NEEDS)) }
            (form(visit, "/second-factor/begin", &begin))
        }
        h2 { (words.t(say::FACTOR_LOST)) }
        p { (words.t(lost)) }
    };
    Ok(Reply::page(words.t(say::FACTOR), main))
}

fn is_on(visit: &Visit, device: &Device) -> Markup {
    let words = visit.words;
    html! {
        p { strong { (words.t(say::FACTOR_IS)) } }
        dl.facts {
            dt { (words.t(say::FACTOR_DEVICE)) }
            dd { code { (device.serial_number) } }
            dt { (words.t(say::FACTOR_SINCE)) }
            dd { (moment(device.enable_date.0)) }
        }
        (button(visit, "/second-factor/off", &[("serial", &device.serial_number)],
            &html! { (words.t(say::FACTOR_TURN_OFF)) }, Some(words.t(say::FACTOR_OFF_SURE))))
    }
}

async fn beside(visit: &Visit, error: ApiError) -> Result<Reply, ApiError> {
    let error = told_beside(error)?;
    Ok(told(visit, &refusal(visit.words, &error)).await?.status(status(&error)))
}

/// Makes a device and shows its secret, on the page that is answered and nowhere else.
pub(crate) async fn begin(visit: Visit) -> Result<Reply, ApiError> {
    let seed = match made(&visit).await {
        Ok(seed) => seed,
        Err(error) => return beside(&visit, error).await,
    };
    let words = visit.words;
    let unread = |error| ApiError::internal("The secret could not be read", error);
    let secret = STANDARD.decode(&seed.base32_string_seed).map_err(unread)?;
    let secret = String::from_utf8(secret).map_err(|error| {
        ApiError::new(ErrorCode::InternalError, "The secret could not be read").because(error)
    })?;
    let caller = &visit.viewer()?.caller;
    let text = picture::address(&caller.user, &caller.alias, &secret, picture::ISSUER);
    let drawn = picture::outline(&text)?;
    let spaced: Vec<_> = secret.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
    let main = html! {
        h2 { (words.t(say::FACTOR_ONE)) }
        svg.code role="img" aria-label=(words.t(say::FACTOR_PICTURE))
            viewBox={ "0 0 " (drawn.side) " " (drawn.side) } shape-rendering="crispEdges" {
            rect width=(drawn.side) height=(drawn.side) fill="#ffffff" {}
            path d=(drawn.path) fill="#000000" {}
        }
        p { (words.t(say::FACTOR_TYPED)) " " code { (spaced.join(" ")) } }
        p { (words.t(say::FACTOR_ONCE)) }
        (codes(&visit, &seed.serial_number))
    };
    Ok(Reply::page(words.t(say::FACTOR), main))
}

/// A device of the user's name, in the place of one that was begun and left.
async fn made(visit: &Visit) -> Result<Seed, ApiError> {
    let caller = &visit.viewer()?.caller;
    let (account, name) = (caller.account.clone(), caller.user.clone());
    let new = CreateVirtualMFADevice { name: name.clone(), ..CreateVirtualMFADevice::default() };
    match visit.call(new.clone()).await {
        Ok(created) => Ok(created.device),
        Err(error) if error.code() == ErrorCode::EntityAlreadyExists => {
            let serial_number = format!("arn:aws:iam::{account}:mfa/{name}");
            visit.call(DeleteVirtualMFADevice { serial_number }).await?;
            Ok(visit.call(new).await?.device)
        }
        Err(error) => Err(error),
    }
}

fn codes(visit: &Visit, serial: &str) -> Markup {
    let words = visit.words;
    let first = Field {
        name: "first_code",
        label: words.t(say::FIRST_CODE),
        required: true,
        autocomplete: "one-time-code",
        ..Field::default()
    };
    let second = Field {
        name: "second_code",
        label: words.t(say::SECOND_CODE),
        hint: words.t(say::SECOND_CODE_HINT),
        autocomplete: "off",
        ..first.clone()
    };
    let inside = html! {
        input type="hidden" name="serial" value=(serial);
        (field(words, &first))
        (field(words, &second))
        button type="submit" { (words.t(say::FACTOR_TURN_ON)) }
    };
    html! {
        h2 { (words.t(say::FACTOR_TWO)) }
        (form(visit, "/second-factor/on", &inside))
    }
}

/// Turns it on, by two codes.
pub(crate) async fn on(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let code = |name| visit.form.line(name).replace(' ', "");
    let ask = EnableMFADevice {
        user_name: visit.viewer()?.caller.user.clone(),
        serial_number: visit.form.line("serial").to_owned(),
        authentication_code1: code("first_code"),
        authentication_code2: code("second_code"),
    };
    let serial = ask.serial_number.clone();
    let error = match visit.call(ask).await {
        Ok(_) => return Ok(Reply::see("/second-factor?done=on")),
        Err(error) => told_beside(error)?,
    };
    let anew = html! { button.second type="submit" { (words.t(say::FACTOR_ANEW)) } };
    let main = html! {
        (refusal(words, &error))
        p { (words.t(say::FACTOR_AGAIN)) }
        (codes(&visit, &serial))
        h2 { (words.t(say::FACTOR_ANEW)) }
        (form(&visit, "/second-factor/begin", &anew))
    };
    Ok(Reply::page(words.t(say::FACTOR), main).status(status(&error)))
}

/// Turns it off.
pub(crate) async fn off(visit: Visit) -> Result<Reply, ApiError> {
    let serial_number = visit.form.line("serial").to_owned();
    let done = async {
        let serial_number = serial_number.clone();
        visit.call(DeactivateMFADevice { user_name: None, serial_number }).await?;
        // A device that is nobody's is of no use any more.
        visit
            .call(DeleteVirtualMFADevice { serial_number: visit.form.line("serial").to_owned() })
            .await
    };
    match done.await {
        Ok(_) => Ok(Reply::see("/second-factor?done=off")),
        Err(error) => beside(&visit, error).await,
    }
}
