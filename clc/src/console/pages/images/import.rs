//! Making an image of a disk that lies in a bucket, and the imports that are under way.

use common::ec2::images::Image;
use common::ec2::import_image::{
    CancelImportTask, DescribeImportImageTasks, DiskContainer, ImportImage, ImportImageTask,
    UserBucket,
};
use common::error::ApiError;
use common::sign::write_query;
use maud::{Markup, html};

use super::pulse::{Busy, pulse};
use super::register::{beside, booted, chosen, place, usable};
use super::shown::{DISK_FOLDER, bytes, name_of, progress, sentence};
use crate::console::components::{
    Field, button, field, form, live as live_part, notice, refusal, status, tag, told_beside,
};
use crate::console::forms::Fields;
use crate::console::look::Look;
use crate::console::reply::Reply;
use crate::console::text::{Text, Words};
use crate::console::texts::images as say;
use crate::console::visit::Visit;
use crate::random;

/// What is asked for a disk.
#[derive(Default)]
pub(super) struct Wish {
    /// The image's name.
    pub(super) name: String,
    /// Its description.
    pub(super) description: String,
    /// `x86_64`, `i386`, or nothing.
    pub(super) architecture: String,
    /// The kernel it boots, if it does not boot by itself.
    pub(super) kernel: String,
    /// The ramdisk.
    pub(super) ramdisk: String,
    /// The bucket of the disk.
    pub(super) bucket: String,
}

impl Wish {
    /// As a form or an address says it.
    pub(super) fn of(said: &Fields) -> Self {
        let line = |name: &str| said.line(name).to_owned();
        Self {
            name: line("name"),
            description: line("description"),
            architecture: line("architecture"),
            kernel: line("kernel"),
            ramdisk: line("ramdisk"),
            bucket: line("bucket"),
        }
    }

    /// As an address says it.
    pub(super) fn query(&self) -> String {
        let all = [
            ("bucket", &self.bucket),
            ("name", &self.name),
            ("description", &self.description),
            ("architecture", &self.architecture),
            ("kernel", &self.kernel),
            ("ramdisk", &self.ramdisk),
        ];
        let said: Vec<_> = all.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        write_query(&said)
    }
}

/// The fields of a form that say what the image shall be.
pub(super) fn fields(
    visit: &Visit,
    wish: &Wish,
    (kernels, ramdisks): (&[Image], &[Image]),
    told: Option<&ApiError>,
) -> Markup {
    let words = visit.words;
    let line = |name: &'static str, label: Text, hint: Text, value: &str, required: bool| {
        let it = field(
            words,
            &Field {
                name,
                label: words.t(label),
                hint: words.t(hint),
                value,
                required,
                ..Field::default()
            },
        );
        beside(words, told, name, &it)
    };
    let machines = [("x86_64", "x86_64"), ("i386", "i386")];
    let architecture =
        chosen(visit, "architecture", say::ARCHITECTURE, (None, say::USUAL), &machines);
    let kernel = booted(visit, "kernel", say::KERNEL, (say::BARE_HINT, say::BY_CLOUD), kernels);
    let ramdisk = booted(visit, "ramdisk", say::RAMDISK, (say::BARE_HINT, say::BY_CLOUD), ramdisks);
    html! {
        (line("name", say::NAME, say::NAME_HINT, &wish.name, true))
        (line("description", say::DESCRIPTION, say::DESCRIPTION_HINT, &wish.description, false))
        (beside(words, told, "architecture", &architecture))
        (beside(words, told, "kernel", &kernel))
        (beside(words, told, "ramdisk", &ramdisk))
    }
}

/// The page: behind an upload it goes on by itself where there is a script.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    page(&visit, &visit.query.clone(), None).await
}

/// Makes the image.
pub(crate) async fn import(visit: Visit) -> Result<Reply, ApiError> {
    let said = visit.form.clone();
    let wish = Wish::of(&said);
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let source = UserBucket { bucket: some(&wish.bucket), key: some(said.line("key")) };
    let ask = ImportImage {
        architecture: some(&wish.architecture),
        description: some(&wish.description),
        disk_container: vec![DiskContainer {
            format: Some("raw".to_owned()),
            user_bucket: Some(source),
            ..DiskContainer::default()
        }],
        client_token: some(said.line("token")),
        name: some(&wish.name),
        kernel_id: some(&wish.kernel),
        ramdisk_id: some(&wish.ramdisk),
        delete_source: (said.get("drop") == "yes").then_some(true),
        ..ImportImage::default()
    };
    match visit.call(ask).await {
        Ok(_) => Ok(Reply::see("/images/imports?done=begun")),
        Err(error) => page(&visit, &said, Some(&told_beside(error)?)).await,
    }
}

async fn page(visit: &Visit, said: &Fields, told: Option<&ApiError>) -> Result<Reply, ApiError> {
    let (words, mut wish) = (visit.words, Wish::of(said));
    let key = said.line("key");
    if wish.name.is_empty() {
        name_of(key).clone_into(&mut wish.name);
    }
    let token = match said.some("token") {
        // What was refused has not used it up, but what is sent again is another request.
        Some(token) if told.is_none() => token,
        _ => hex::encode(random::bytes::<16>()?),
    };
    let go = told.is_none() && said.get("go") == "1";
    let (kernels, ramdisks) = (usable(visit, "kernel").await?, usable(visit, "ramdisk").await?);
    let at = |name: &'static str, label: Text, value: &str| {
        let label = words.t(label);
        let it = Field { name, label, value, required: true, ..Field::default() };
        beside(words, told, name, &field(words, &it))
    };
    // Only what was uploaded for this is offered to go.
    let drops = match told {
        None => key.starts_with(DISK_FOLDER),
        Some(_) => said.get("drop") == "yes",
    };
    // From a page of its own the words of the address stand in the form.
    let visit = &Visit { form: said.clone(), ..visit.clone() };
    let inside = html! {
        input type="hidden" name="token" value=(token);
        (at("bucket", say::BUCKET, &wish.bucket))
        (at("key", say::DISK_KEY, key))
        (fields(visit, &wish, (&kernels, &ramdisks), told))
        div.options {
            label { input type="checkbox" name="drop" value="yes" checked[drops]; (words.t(say::DROP_DISK)) }
        }
        button type="submit" { (words.t(say::IMPORT_NOW)) }
    };
    let main = html! {
        p.links.up { a href="/images/imports" { (words.t(say::IMPORTS)) } }
        @if let Some(error) = told.filter(|error| place(error).is_none()) { (refusal(words, error)) }
        p { (words.t(if go { say::IMPORT_GOES } else { say::IMPORT_LEAD })) }
        div data-at-once[go] { (form(visit, "/images/import", &inside)) }
    };
    Ok(Reply::page(words.t(say::IMPORT), main).status(told.map_or(200, status)))
}

/// The imports of the last day.
pub(crate) async fn list(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let part = drawn(&visit, &visit.look(false)?, &Busy::default()).await?;
    let main = html! {
        p.links.up { a href="/images" { (words.t(say::ALL_IMAGES)) } }
        @match visit.query.get("done") {
            "begun" => (notice("good", words.t(say::DONE_BEGUN), words.t(say::DONE_BEGUN_TEXT))),
            "cancelled" => (notice("good", words.t(say::DONE_CANCELLED), "")),
            _ => {}
        }
        p.acts {
            a.button href="/images/upload" { (words.t(say::UPLOAD)) }
            a.button.second href="/images/import" { (words.t(say::IMPORT)) }
        }
        (live_part(words, "/images/imports/live", &part))
    };
    Ok(Reply::page(words.t(say::IMPORTS), main))
}

/// The same, again and again.
pub(crate) async fn live(visit: Visit) -> Result<Reply, ApiError> {
    let (busy, records) = (Busy::default(), &visit.desk.people.records);
    let changes = pulse(vec![records.imports.watch(), records.images.watch()], &busy);
    let draw = move |viewer| {
        let (look, visit, busy) = (visit.look_of(viewer), visit.clone(), busy.clone());
        async move { drawn(&visit, &look, &busy).await }
    };
    Ok(Reply::live(changes, draw))
}

/// Ends one.
pub(crate) async fn cancel(visit: Visit) -> Result<Reply, ApiError> {
    let (import_task_id, cancel_reason) = (visit.form.some("task"), None);
    visit.call(CancelImportTask { import_task_id, cancel_reason }).await?;
    Ok(Reply::see("/images/imports?done=cancelled"))
}

async fn drawn(visit: &Visit, look: &Look, busy: &Busy) -> Result<Markup, ApiError> {
    let words = visit.words;
    let mut all = look.call(DescribeImportImageTasks::default()).await?.import_image_task_set.item;
    busy.is(all.iter().any(|task| matches!(&*task.status, "active" | "deleting")));
    all.reverse();
    Ok(html! {
        @if all.is_empty() {
            p.empty { (words.t(say::NO_IMPORTS)) }
        } @else {
            div.scroll {
                table.rows {
                    thead {
                        tr {
                            th scope="col" { (words.t(say::DISK)) }
                            th scope="col" { (words.t(say::STATE)) }
                            th scope="col" { (words.t(say::SIZE)) }
                            th scope="col" { (words.t(say::IMAGES)) }
                            th scope="col" { span.unseen { (words.t(say::CANCEL)) } }
                        }
                    }
                    tbody { @for task in &all { (row(visit, task)) } }
                }
            }
        }
    })
}

/// What an import does, as people say it.
fn stage(words: Words, task: &ImportImageTask) -> Markup {
    let message = task.status_message.as_deref().unwrap_or_default();
    match (task.status.as_str(), message) {
        ("completed", _) => tag(words, say::IMPORT_DONE, "good"),
        ("deleting", _) => tag(words, say::IMPORT_ENDING, "busy"),
        ("deleted", reason) => html! {
            (tag(words, say::IMPORT_ENDED, "bad"))
            p.reason { (sentence(words, reason)) }
        },
        (_, "converting") => tag(words, say::IMPORT_CONVERTING, "busy"),
        (_, "preparing ami") => tag(words, say::IMPORT_PREPARING, "busy"),
        _ => tag(words, say::IMPORT_PENDING, "busy"),
    }
}

fn row(visit: &Visit, task: &ImportImageTask) -> Markup {
    let words = visit.words;
    let disk = task.snapshot_detail_set.item.first();
    let key = disk.map_or("", |disk| disk.user_bucket.s3_key.as_str());
    let bucket = disk.map_or("", |disk| disk.user_bucket.s3_bucket.as_str());
    let id = task.import_task_id.as_str();
    let percent = task.progress.as_deref().and_then(|text| text.parse::<u8>().ok());
    let label =
        |percent: u8| words.fill(say::IMPORT_PROGRESS, &[("percent", &percent.to_string())]);
    let again = [("bucket", bucket), ("key", key)];
    html! {
        tr {
            th scope="row" data-label=(words.t(say::DISK)) {
                span.given { (name_of(key)) }
                span.quiet { (bucket) }
            }
            td data-label=(words.t(say::STATE)) {
                (stage(words, task))
                @if let Some(percent) = percent { div.progress { (progress(&label(percent), percent)) } }
            }
            td data-label=(words.t(say::SIZE)) { (bytes(disk.map_or(0, |disk| disk.disk_image_size))) }
            td data-label=(words.t(say::IMAGES)) {
                @match &task.image_id {
                    Some(image) => {
                        a href={ "/images/" (image) } { code { (image) } }
                        @if task.status == "completed" {
                            " "
                            a href={ "/launch?image=" (image) } {
                                (words.t(say::LAUNCH)) span.unseen { " (" (image) ")" }
                            }
                        }
                    }
                    None => "–",
                }
            }
            td.act {
                @if task.status == "active" {
                    (button(visit, "/images/imports/cancel", &[("task", id)],
                        &html! { (words.t(say::CANCEL)) span.unseen { " (" (name_of(key)) ")" } },
                        Some(words.t(say::CANCEL_CONFIRM))))
                } @else if task.status == "deleted" {
                    a href={ "/images/import?" (write_query(&again)) } {
                        (words.t(say::AGAIN)) span.unseen { " (" (name_of(key)) ")" }
                    }
                }
            }
        }
    }
}
