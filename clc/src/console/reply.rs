//! What a page answers, before it has its frame and its headers.

use std::sync::Arc;

use common::error::ApiError;
use futures_util::future::BoxFuture;
use maud::Markup;
use runtime::http::Payload;
use store::Rev;
use tokio::sync::watch;

use super::viewer::Viewer;

/// What is shown of a page: the frame around it is the same for all.
pub(crate) struct Page {
    /// The status.
    pub(crate) status: u16,
    /// Its title.
    pub(crate) title: String,
    /// What stands in it, below its heading.
    pub(crate) main: Markup,
    /// Whether it is a small one, in the middle: a sign-in.
    pub(crate) small: bool,
    /// Where it leads on by itself.
    pub(crate) onward: Option<String>,
}

/// Draws a part of a page as it is now, for whoever is looking at it.
pub(crate) type Draw =
    Arc<dyn Fn(Viewer) -> BoxFuture<'static, Result<Markup, ApiError>> + Send + Sync>;

/// A part of a page that is drawn anew whenever something changes.
pub(crate) struct Live {
    /// Says that something may have changed.
    pub(crate) changes: watch::Receiver<Rev>,
    /// Draws it.
    pub(crate) draw: Draw,
}

/// What is answered.
pub(crate) enum Answer {
    /// A page.
    Page(Page),
    /// Another page is to be asked for: an own path.
    See(String),
    /// Events, as long as somebody looks.
    Live(Live),
    /// A file to be kept, as it is.
    File {
        /// Its name.
        name: String,
        /// Its type.
        content_type: &'static str,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// What the script asks for.
    Json {
        /// The status.
        status: u16,
        /// The document.
        text: String,
    },
    /// A file to be kept, as it comes.
    Stream(Box<Stream>),
}

/// A file that comes from elsewhere. Whatever it is, no browser shows it as a page of ours.
pub(crate) struct Stream {
    /// The status: of the whole, of a part, of nothing new.
    pub(crate) status: u16,
    /// Its name.
    pub(crate) name: String,
    /// What else is said of it.
    pub(crate) headers: Vec<(String, String)>,
    /// Its bytes.
    pub(crate) payload: Payload,
}

/// An answer with the cookies that it sets.
pub(crate) struct Reply {
    /// The answer.
    pub(crate) answer: Answer,
    /// Lines of `Set-Cookie`.
    pub(crate) cookies: Vec<String>,
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self { answer, cookies: Vec::new() }
    }
}

impl Reply {
    fn shown(title: String, main: Markup, small: bool) -> Self {
        Answer::Page(Page { status: 200, title, main, small, onward: None }).into()
    }

    /// A page.
    pub(crate) fn page(title: impl Into<String>, main: Markup) -> Self {
        Self::shown(title.into(), main, false)
    }

    /// A small page, in the middle.
    pub(crate) fn small(title: impl Into<String>, main: Markup) -> Self {
        Self::shown(title.into(), main, true)
    }

    /// After something was done: another page, which is asked for by GET.
    pub(crate) fn see(path: impl Into<String>) -> Self {
        Answer::See(path.into()).into()
    }

    /// A part of a page, again and again.
    pub(crate) fn live<F>(
        changes: watch::Receiver<Rev>,
        draw: impl Fn(Viewer) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Markup, ApiError>> + Send + 'static,
    {
        let draw: Draw = Arc::new(move |viewer| Box::pin(draw(viewer)));
        Answer::Live(Live { changes, draw }).into()
    }

    /// The same, with another status: of a form that was refused.
    #[must_use]
    pub(crate) fn status(mut self, status: u16) -> Self {
        if let Answer::Page(page) = &mut self.answer {
            page.status = status;
        }
        self
    }

    /// The same, with a cookie.
    #[must_use]
    pub(crate) fn cookie(mut self, line: String) -> Self {
        self.cookies.push(line);
        self
    }
}
