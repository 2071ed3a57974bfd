//! Registering a bundle that lies in a bucket. What is wrong is told at the field that it is about.

use common::ec2::images::{DescribeImages, Image, RegisterImage};
use common::ec2::types::Filter;
use common::error::{ApiError, ErrorCode};
use maud::{Markup, html};

use super::manifests::chooser;
use super::shown::{name, sentence};
use crate::console::components::{Field, field, form, refusal, status, told_beside};
use crate::console::reply::Reply;
use crate::console::text::{Text, Words};
use crate::console::texts::images as say;
use crate::console::visit::Visit;

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    page(&visit, None).await
}

/// Registers it.
pub(crate) async fn register(visit: Visit) -> Result<Reply, ApiError> {
    let some = |name: &str| visit.form.some(name);
    let ask = RegisterImage {
        image_location: some("location"),
        name: some("name"),
        description: some("description"),
        architecture: some("architecture"),
        kernel_id: some("kernel"),
        ramdisk_id: some("ramdisk"),
        virtualization_type: some("boot"),
        ..RegisterImage::default()
    };
    match visit.call(ask).await {
        Ok(made) => Ok(Reply::see(format!("/images/{}?done=registered", made.image_id))),
        Err(error) => page(&visit, Some(&told_beside(error)?)).await,
    }
}

/// Which field an error is about.
pub(super) fn place(error: &ApiError) -> Option<&'static str> {
    let text = error.text();
    match error.code() {
        ErrorCode::InvalidAmiNameMalformed | ErrorCode::InvalidAmiNameDuplicate => Some("name"),
        ErrorCode::AuthFailure if text.starts_with("There is no disk") => Some("key"),
        ErrorCode::AuthFailure | ErrorCode::InvalidManifest => Some("location"),
        ErrorCode::InvalidAmiIdNotFound | ErrorCode::InvalidAmiIdMalformed => {
            Some(if text.contains("ramdisk") { "ramdisk" } else { "kernel" })
        }
        ErrorCode::InvalidParameterCombination if text.starts_with("The disk has") => {
            Some("kernel")
        }
        ErrorCode::InvalidParameterCombination => Some("boot"),
        ErrorCode::BucketAlreadyExists
        | ErrorCode::BucketAlreadyOwnedByYou
        | ErrorCode::InvalidBucketName
        | ErrorCode::NoSuchBucket
        | ErrorCode::AccessDenied => Some("bucket"),
        ErrorCode::MissingParameter | ErrorCode::InvalidParameterValue => {
            let named = [
                ("ImageLocation", "location"),
                ("No image can be made", "key"),
                ("S3Bucket", "bucket"),
                ("S3Key", "key"),
                ("Description", "description"),
                ("Architecture", "architecture"),
            ];
            named.into_iter().find(|(name, _)| text.contains(name)).map(|(_, place)| place)
        }
        _ => None,
    }
}

/// A field, and what is wrong with what stands in it.
pub(super) fn beside(words: Words, told: Option<&ApiError>, name: &str, it: &Markup) -> Markup {
    match told.filter(|error| place(error) == Some(name)) {
        Some(error) => html! {
            div.refused { (it) p.why role="alert" { (sentence(words, error.text())) } }
        },
        None => it.clone(),
    }
}

/// A field in which an image may be chosen.
pub(super) fn booted(
    visit: &Visit,
    name_of: &str,
    label: Text,
    (hint, none): (Text, Text),
    all: &[Image],
) -> Markup {
    let (words, id) = (visit.words, format!("f-{name_of}"));
    let hint_id = format!("{id}-hint");
    html! {
        div.field {
            label for=(id) { (words.t(label)) }
            select id=(id) name=(name_of) aria-describedby=(hint_id) {
                option value="" { (words.t(none)) }
                @for it in all {
                    @let value = it.image_id.as_str();
                    option value=(value) selected[visit.form.line(name_of) == value] {
                        (name(it)) " (" (value) ")"
                    }
                }
            }
            p.hint id=(hint_id) { (words.t(hint)) }
        }
    }
}

/// Kernels and ramdisks that may be used.
pub(super) async fn usable(visit: &Visit, kind: &str) -> Result<Vec<Image>, ApiError> {
    let only =
        |name: &str, value: &str| Filter { name: name.to_owned(), value: vec![value.to_owned()] };
    let filter = vec![only("image-type", kind), only("state", "available")];
    let ask = DescribeImages { filter, max_results: Some(100), ..DescribeImages::default() };
    match visit.look(false)?.call(ask).await {
        Ok(answer) => Ok(answer.images_set.item),
        Err(error) if error.code() == ErrorCode::UnauthorizedOperation => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// One of a few words.
pub(super) fn chosen(
    visit: &Visit,
    name: &str,
    label: Text,
    (hint, none): (Option<Text>, Text),
    of: &[(&str, &str)],
) -> Markup {
    let (words, id) = (visit.words, format!("f-{name}"));
    let hint_id = hint.map(|_| format!("{id}-hint"));
    html! {
        div.field {
            label for=(id) { (words.t(label)) }
            select id=(id) name=(name) aria-describedby=[hint_id.as_deref()] {
                option value="" { (words.t(none)) }
                @for (value, text) in of {
                    option value=(value) selected[visit.form.line(name) == *value] { (text) }
                }
            }
            @if let (Some(hint), Some(id)) = (hint, &hint_id) { p.hint id=(id) { (words.t(hint)) } }
        }
    }
}

async fn page(visit: &Visit, told: Option<&ApiError>) -> Result<Reply, ApiError> {
    let words = visit.words;
    let (kernels, ramdisks) = (usable(visit, "kernel").await?, usable(visit, "ramdisk").await?);
    let line = |name: &'static str, label: Text, hint: Text, value: &str, required: bool| {
        let it = field(
            words,
            &Field {
                name,
                label: words.t(label),
                hint: words.t(hint),
                value,
                required,
                first: required && told.is_none(),
                ..Field::default()
            },
        );
        beside(words, told, name, &it)
    };
    let chooser = chooser(visit).await?;
    let location = visit.form.some("location").or_else(|| visit.query.some("location"));
    let boots = [("hvm", words.t(say::BOOT_HVM)), ("paravirtual", words.t(say::BOOT_PV))];
    let machines = [("x86_64", "x86_64"), ("i386", "i386")];
    let boot = chosen(visit, "boot", say::BOOT, (Some(say::BOOT_HINT), say::BY_MANIFEST), &boots);
    let architecture =
        chosen(visit, "architecture", say::ARCHITECTURE, (None, say::BY_MANIFEST), &machines);
    let kernel =
        booted(visit, "kernel", say::KERNEL, (say::KERNEL_HINT, say::BY_MANIFEST), &kernels);
    let ramdisk =
        booted(visit, "ramdisk", say::RAMDISK, (say::KERNEL_HINT, say::BY_MANIFEST), &ramdisks);
    let main = html! {
        p.links.up { a href="/images" { (words.t(say::ALL_IMAGES)) } }
        @if let Some(error) = told.filter(|error| place(error).is_none()) { (refusal(words, error)) }
        p { (words.t(say::REGISTER_LEAD)) }
        @if visit.viewer()?.caller.administrator { p { (words.t(say::ADMIN_KINDS)) } }
        (chooser)
        (form(visit, "/images/register", &html! {
            (line("location", say::LOCATION_FIELD, say::LOCATION_HINT, &location.unwrap_or_default(), true))
            (line("name", say::NAME, say::NAME_FIELD_HINT, visit.form.line("name"), false))
            (line("description", say::DESCRIPTION, say::DESCRIPTION_HINT, visit.form.line("description"), false))
            (beside(words, told, "architecture", &architecture))
            (beside(words, told, "boot", &boot))
            (beside(words, told, "kernel", &kernel))
            (beside(words, told, "ramdisk", &ramdisk))
            button type="submit" { (words.t(say::REGISTER_NOW)) }
        }))
    };
    Ok(Reply::page(words.t(say::REGISTER), main).status(told.map_or(200, status)))
}
