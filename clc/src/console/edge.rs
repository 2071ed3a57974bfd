//! The way of a request: asset, or line of the table; who asks; may they; is the form one of ours; the
//! page; its frame and its headers. Each step stands here once, so no page can forget one.

use std::sync::Arc;
use std::time::Duration;

use common::error::{ApiError, ErrorCode};
use common::sign::{percent_encode, write_query};
use common::wire::people::Language;
use futures_util::future::BoxFuture;
use maud::html;
use runtime::http::{App, Body, BodyError, Head, Response};

use super::assets;
use super::commands::Done;
use super::components::{as_a_command, refusal, status};
use super::cookies;
use super::desk::Desk;
use super::forms::{self, Fields};
use super::incoming::{self, Incoming};
use super::layout::{between, document, instead};
use super::leash;
use super::live;
use super::proof::{Proof, kept, proof};
use super::rates::{Rate, Rates};
use super::reply::{Answer, Page, Reply, Stream};
use super::routes::{Found, Gate, Method, Route, find, menu};
use super::sessions::{is_id, random_id};
use super::table::table;
use super::text::{Text, Words, accepted, language};
use super::texts::common as say;
use super::visit::Visit;

/// What a page may load and do: its own files, and nothing that is written into it.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// How long after something was done a page says how it is done by a client.
const LATELY: Duration = Duration::from_secs(60);
/// Fields by which a form tells what it is about, and pages read behind their `?` what they are about.
const SUBJECTS: [&str; 2] = ["name", "key"];
/// The form that is taken.
const FORM: &str = "application/x-www-form-urlencoded";

/// The console, as its listener sees it.
pub(super) struct Console {
    desk: Arc<Desk>,
    table: Vec<Route>,
    rates: Rates,
    /// Whether the certificate is the site's own, so that browsers may insist on https.
    strict: bool,
}

impl Console {
    /// A console; `strict` if its certificate is one that browsers believe.
    pub(super) fn new(desk: Arc<Desk>, strict: bool) -> Self {
        Self { desk, table: table(), rates: Rates::default(), strict }
    }

    async fn answer(&self, head: Head, body: Body) -> Response {
        let began = self.desk.people.now();
        let response = match assets::find(&head.raw_path) {
            Some(asset) if head.method == "GET" || head.method == "HEAD" => {
                Response::text(200, asset.content_type, asset.bytes)
                    .with("cache-control", "public, max-age=31536000, immutable")
            }
            _ => self.page(head, body).await.with("cache-control", "no-store"),
        };
        let took = self.desk.people.now().since(began);
        let timing = format!("app;dur={}", took.as_millis());
        self.guarded(response).with("server-timing", timing)
    }

    /// What every answer bears.
    fn guarded(&self, response: Response) -> Response {
        let response = response
            .with("content-security-policy", POLICY)
            .with("x-frame-options", "DENY")
            .with("x-content-type-options", "nosniff")
            .with("referrer-policy", "no-referrer")
            .with("cross-origin-opener-policy", "same-origin")
            .with("cross-origin-resource-policy", "same-origin")
            .with("permissions-policy", "camera=(), geolocation=(), microphone=()");
        match self.strict {
            true => response.with("strict-transport-security", "max-age=31536000"),
            false => response,
        }
    }

    async fn page(&self, head: Head, body: Body) -> Response {
        let words = Words(
            cookies::read(&head.headers, cookies::LANGUAGE)
                .and_then(language)
                .or_else(|| head.header("accept-language").and_then(accepted))
                .unwrap_or(Language::En),
        );
        let id = cookies::read(&head.headers, cookies::SESSION).filter(|id| is_id(id));
        let viewer = match id {
            None => Ok(None),
            Some(id) => self.desk.viewer(id, &head).await,
        };
        let visit_id = cookies::read(&head.headers, cookies::VISIT).filter(|id| is_id(id));
        // Forms are bound to the session; without one, to a cookie that is set with the first page.
        let (bound, fresh) = match (&viewer, id, visit_id) {
            (Ok(Some(_)), Some(id), _) | (_, _, Some(id)) => (Ok(id.to_owned()), false),
            _ => (random_id(), true),
        };
        let (desk, query) = (Arc::clone(&self.desk), Fields::read(&head.raw_query));
        let (viewer, bound_to, failed) = match (viewer, bound) {
            (Ok(viewer), Ok(bound_to)) => (viewer, bound_to, None),
            (Err(error), _) | (_, Err(error)) => (None, String::new(), Some(error)),
        };
        let mut visit = Visit {
            desk,
            head,
            parts: Vec::new(),
            query,
            form: Fields::default(),
            incoming: Incoming::default(),
            viewer,
            words,
            bound_to,
        };
        let replied = match failed {
            Some(error) => Err(error),
            None => match self.counted(&visit).await {
                Ok(None) => self.routed(&mut visit, body, fresh).await,
                Ok(Some(seconds)) => return self.too_many(&visit, seconds),
                Err(error) => Err(error),
            },
        };
        if let Ok(Reply { answer: Answer::Live(_), .. }) = &replied {
            match self.rates.count(&visit, Rate::Streams).await {
                Ok(None) => {}
                Ok(Some(seconds)) => return self.too_many(&visit, seconds),
                Err(error) => return self.render(&visit, failed_page(&visit, &error), None),
            }
        }
        let cookie = (fresh && !visit.bound_to.is_empty())
            .then(|| cookies::set(cookies::VISIT, &visit.bound_to));
        let reply = replied.unwrap_or_else(|error| failed_page(&visit, &error));
        self.render(&visit, reply, cookie)
    }

    /// Counts a request; says after how many seconds it may be made, if it comes too soon.
    async fn counted(&self, visit: &Visit) -> Result<Option<u64>, ApiError> {
        let method = match visit.head.method.as_str() {
            "POST" => Method::Post,
            _ => Method::Get,
        };
        self.rates.count(visit, Rate::of(method, &visit.head.raw_path)).await
    }

    fn too_many(&self, visit: &Visit, seconds: u64) -> Response {
        let text = format!("Too many requests: try again in {seconds} seconds");
        let error = ApiError::new(ErrorCode::RequestLimitExceeded, text);
        self.render(visit, failed_page(visit, &error), None)
            .with("retry-after", seconds.to_string())
    }

    async fn routed(&self, asked: &mut Visit, body: Body, fresh: bool) -> Result<Reply, ApiError> {
        let method = match asked.head.method.as_str() {
            "GET" | "HEAD" => Method::Get,
            "POST" => Method::Post,
            _ => return Ok(told(asked, say::NOT_SO, say::NOT_FOUND_TEXT, 405)),
        };
        let (route, parts) = match find(&self.table, method, &asked.head.raw_path) {
            Found::Here(route, parts) => (route, parts),
            Found::Otherwise => return Ok(told(asked, say::NOT_SO, say::NOT_FOUND_TEXT, 405)),
            Found::Nothing => return Ok(told(asked, say::NOT_FOUND, say::NOT_FOUND_TEXT, 404)),
        };
        match route.gate(asked.viewer.as_ref()) {
            Gate::Open => {}
            Gate::SignIn if method == Method::Get && is_foreign(&asked.head) => {
                return Ok(Answer::Page(between(asked, whole_path(&asked.head))).into());
            }
            Gate::SignIn => return Ok(Reply::see(sign_in(&asked.head, method))),
            Gate::First(path) => return Ok(Reply::see(path)),
            Gate::Closed => return Ok(told(asked, say::NOT_ALLOWED, say::NOT_ALLOWED_TEXT, 403)),
        }
        let taken = match method {
            Method::Get => Ok((Fields::default(), Incoming::default())),
            Method::Post if route.streams => self.bytes(asked, body, fresh).await?,
            Method::Post => {
                self.form(asked, body, fresh).await?.map(|form| (form, Incoming::default()))
            }
        };
        let (mut form, incoming) = match taken {
            Ok(taken) => taken,
            Err((title, status)) => return Ok(told(asked, title, say::STALE_TEXT, status)),
        };
        if !route.dangerous {
            return (route.handler)(Visit { parts, form, incoming, ..asked.clone() }).await;
        }
        let back = self.back(&asked.head, &form);
        let cookie = match proof(asked, &mut form, &back).await? {
            Proof::Wanted(reply) => return Ok(reply),
            Proof::Stands => None,
            Proof::Renewed(cookie) => Some(cookie),
        };
        let replied = (route.handler)(Visit { parts, form, incoming, ..asked.clone() }).await;
        let Some(cookie) = cookie else { return replied };
        // Whatever becomes of it, the browser has to learn the new id. A cookie of the page's comes
        // behind it.
        let mut reply = match replied {
            Ok(reply) => kept(reply, asked, &back),
            Err(error) => failed_page(asked, &error),
        };
        reply.cookies.insert(0, cookie);
        Ok(reply)
    }

    /// The page that something is done from: that of its own path, or the nearest above; about what the
    /// form is about.
    fn back(&self, head: &Head, form: &Fields) -> String {
        let path = head.raw_path.as_str();
        let above =
            |at: &usize| matches!(find(&self.table, Method::Get, &path[..*at]), Found::Here(..));
        let ends = std::iter::once(path.len()).chain(path.rmatch_indices('/').map(|(at, _)| at));
        let Some(at) = ends.into_iter().find(above) else { return "/".to_owned() };
        let said = SUBJECTS.map(|name| (name, form.get(name)));
        let said: Vec<_> = said.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        match said.as_slice() {
            [] => path[..at].to_owned(),
            said => format!("{}?{}", &path[..at], write_query(said)),
        }
    }

    /// The bytes of a request, if a page of ours has begun it: the token stands in a header that only
    /// our script can send, or before the file in a form.
    async fn bytes(
        &self,
        visit: &Visit,
        body: Body,
        fresh: bool,
    ) -> Result<Result<(Fields, Incoming), (Text, u16)>, ApiError> {
        let stale = Ok(Err((say::STALE, 403)));
        if fresh || !is_begun_here(&visit.head) {
            return stale;
        }
        let kind = visit.head.header("content-type").unwrap_or_default();
        if let Some(boundary) = incoming::boundary(kind) {
            let (form, brought) = incoming::of_form_in_time(body, &boundary).await?;
            let ours = form.is_bound_to(&visit.bound_to);
            return if ours { Ok(Ok((form, Incoming::of(brought)))) } else { stale };
        }
        if !forms::is_token(visit.head.header(forms::TOKEN_HEADER), &visit.bound_to) {
            return stale;
        }
        let brought = incoming::of_body(body, kind)?;
        Ok(Ok((Fields::default(), Incoming::of(Some(brought)))))
    }

    /// The form of a request, if it is one of ours; else what is to be said, and the status.
    async fn form(
        &self,
        visit: &Visit,
        body: Body,
        fresh: bool,
    ) -> Result<Result<Fields, (Text, u16)>, ApiError> {
        let stale = Ok(Err((say::STALE, 403)));
        if fresh || !is_begun_here(&visit.head) {
            return stale;
        }
        let kind = visit.head.header("content-type").unwrap_or_default();
        if kind.split(';').next().unwrap_or_default().trim() != FORM {
            return Ok(Err((say::STALE, 415)));
        }
        let body = match body.read(forms::LARGEST).await {
            Ok(body) => body,
            Err(BodyError::TooLarge(_)) => return Ok(Err((say::TOO_LARGE, 413))),
            Err(error @ BodyError::Broken(_)) => {
                let text = "The request broke off";
                return Err(ApiError::new(ErrorCode::InvalidParameterValue, text).because(error));
            }
        };
        let Ok(text) = std::str::from_utf8(&body) else { return Ok(Err((say::STALE, 400))) };
        let form = Fields::read(text);
        if form.is_bound_to(&visit.bound_to) { Ok(Ok(form)) } else { stale }
    }

    fn render(&self, visit: &Visit, reply: Reply, cookie: Option<String>) -> Response {
        let Reply { answer, cookies } = reply;
        let response = match answer {
            Answer::Page(page) => self.framed(visit, &page, cookie),
            Answer::See(path) => {
                let path = if is_own(&path) { path } else { "/".to_owned() };
                Response::empty(303).with("location", path)
            }
            Answer::Live(live) => match &visit.viewer {
                Some(viewer) => {
                    let opened = live::open(&self.desk, visit.head.clone(), viewer.clone(), live);
                    opened.unwrap_or_else(|error| {
                        Response::text(
                            status(&error),
                            "text/plain; charset=utf-8",
                            error.text().to_owned(),
                        )
                    })
                }
                None => Response::empty(403),
            },
            Answer::File { name, content_type, bytes } => Response::text(200, content_type, bytes)
                .with("content-disposition", attachment(&name)),
            Answer::Json { status, text } => {
                Response::text(status, "application/json; charset=utf-8", text)
            }
            Answer::Stream(stream) => {
                let mut stream = *stream;
                if let Some(viewer) = &visit.viewer {
                    let (desk, head) = (&self.desk, &visit.head);
                    stream.payload = leash::held(desk, head, viewer, stream.payload);
                }
                streamed(stream)
            }
        };
        cookies.into_iter().fold(response, |response, line| response.with("set-cookie", line))
    }

    fn framed(&self, visit: &Visit, page: &Page, cookie: Option<String>) -> Response {
        let entries = menu(&self.table, visit.viewer.as_ref());
        let done = match (&visit.viewer, visit.query.get("done")) {
            (Some(viewer), said) if !said.is_empty() => {
                let last = self.desk.kept.done.of(&viewer.session.digest).into_iter().next();
                let lately = |it: &Done| self.desk.people.now().since(it.at) < LATELY;
                last.filter(lately).map(|it| as_a_command(visit.words, &it))
            }
            _ => None,
        };
        let text = document(visit, page, done.as_ref(), &entries).into_string();
        let response = Response::text(page.status, "text/html; charset=utf-8", text)
            .with("content-language", visit.words.tag())
            .with("vary", "cookie, accept-language");
        match cookie {
            Some(line) => response.with("set-cookie", line),
            None => response,
        }
    }
}

/// Whether a request was begun by a page of ours, as browsers say.
fn is_begun_here(head: &Head) -> bool {
    matches!(head.header("sec-fetch-site").unwrap_or("same-origin"), "same-origin" | "none")
}

/// That something is to be kept under a name and not shown.
fn attachment(name: &str) -> String {
    format!("attachment; filename*=UTF-8''{}", percent_encode(name))
}

/// A file of somebody's: whatever it is, and however it is opened, it does nothing here.
fn streamed(stream: Stream) -> Response {
    let Stream { status, name, headers, payload } = stream;
    Response { status, headers, payload }
        .with("content-type", "application/octet-stream")
        .with("content-disposition", attachment(&name))
        .with("content-security-policy", "sandbox")
}

/// What is said instead of a page.
fn told(visit: &Visit, title: Text, text: Text, status: u16) -> Reply {
    let text = html! { p { (visit.words.t(text)) } };
    Answer::Page(instead(visit, title, &text, status)).into()
}

/// Whether somebody follows a link of another site. Their browser keeps the session's cookie back
/// then; to one of our own pages it gives it.
fn is_foreign(head: &Head) -> bool {
    let said = |name, value| head.header(name) == Some(value);
    said("sec-fetch-site", "cross-site") && said("sec-fetch-mode", "navigate")
}

/// The path with what stands behind the `?`.
fn whole_path(head: &Head) -> String {
    match head.raw_query.as_str() {
        "" => head.raw_path.clone(),
        query => format!("{}?{query}", head.raw_path),
    }
}

/// Where one signs in, to come back to what was asked for.
fn sign_in(head: &Head, method: Method) -> String {
    let path = whole_path(head);
    match method {
        Method::Get if path != "/" => format!("/sign-in?next={}", percent_encode(&path)),
        _ => "/sign-in".to_owned(),
    }
}

/// Whether a path is one of this console and of no other site.
pub(crate) fn is_own(path: &str) -> bool {
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    plain && path.starts_with('/') && !path.starts_with("//")
}

/// The page of an error that no page has told.
fn failed_page(visit: &Visit, error: &ApiError) -> Reply {
    Answer::Page(failure(visit, error)).into()
}

fn failure(visit: &Visit, error: &ApiError) -> Page {
    let status = status(error);
    let (words, id) = (visit.words, &visit.head.request_id);
    if status < 500 {
        return instead(visit, say::REFUSED, &refusal(words, error), status);
    }
    let cause = error.source_text().unwrap_or_default();
    tracing::error!(request_id = id, path = visit.head.raw_path, %error, cause, "a page failed");
    let text = html! {
        p { (words.t(say::BROKEN_TEXT)) }
        p.quiet { (words.t(say::REQUEST_NUMBER)) ": " code { (id) } }
    };
    instead(visit, say::BROKEN, &text, status)
}

impl App for Console {
    fn serve(&self, head: Head, body: Body) -> BoxFuture<'_, Response> {
        Box::pin(self.answer(head, body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for own in ["/", "/instances?q=a%20b", "/a//b"] {
            assert!(is_own(own), "{own}");
        }
        for other in ["", "//evil", "/\\evil", "https://evil", "/a\nb", "/ä", "instances", "/a b"]
        {
            assert!(!is_own(other), "{other}");
        }
    }
}
