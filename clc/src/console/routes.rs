//! Lines of the table of all pages and of all that pages do. Who may ask for it stands in its line and
//! nowhere else, and is looked at before the page is.

use common::error::ApiError;
use futures_util::future::BoxFuture;

use super::layout::{Entry, Group};
use super::reply::Reply;
use super::text::Text;
use super::viewer::Viewer;
use super::visit::Visit;

/// How it is asked for. What changes something is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// It shows something and changes nothing.
    Get,
    /// It does something.
    Post,
}

/// Who may ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Anyone.
    Anyone,
    /// Whoever is signed in, even if they have to set a password before anything else.
    Held,
    /// Whoever is signed in.
    SignedIn,
    /// Administrators of the cloud.
    Administrator,
}

impl Who {
    /// Whether a viewer who is not held up may ask for it.
    fn admits(self, viewer: &Viewer) -> bool {
        self != Self::Administrator || viewer.caller.administrator
    }
}

type Handler = Box<dyn Fn(Visit) -> BoxFuture<'static, Result<Reply, ApiError>> + Send + Sync>;

/// A page, or what is done: a function of a visit.
pub(crate) trait Handles {
    /// As the table keeps it.
    fn boxed(self) -> Handler;
}

impl<T, F> Handles for T
where
    T: Fn(Visit) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Reply, ApiError>> + Send + 'static,
{
    fn boxed(self) -> Handler {
        Box::new(move |visit| Box::pin(self(visit)))
    }
}

/// A line of the table.
pub(crate) struct Route {
    /// How it is asked for.
    pub(crate) method: Method,
    /// Where; a part in braces is whatever stands there.
    pub(crate) path: &'static str,
    /// Who may.
    pub(crate) who: Who,
    /// Whether it takes bytes as they come, and not a form.
    pub(crate) streams: bool,
    /// Where it stands in the navigation, if it does.
    pub(crate) menu: Option<(Group, Text)>,
    /// Whether whoever asks for it has to prove anew who they are, unless they did so lately.
    pub(crate) dangerous: bool,
    /// The page.
    pub(crate) handler: Handler,
}

impl Route {
    fn new(method: Method, path: &'static str, who: Who, page: impl Handles) -> Self {
        let (streams, menu, dangerous) = (false, None, false);
        Self { method, path, who, streams, menu, dangerous, handler: page.boxed() }
    }

    /// The same, shown in the navigation.
    pub(crate) fn in_menu(self, group: Group, name: Text) -> Self {
        Self { menu: Some((group, name)), ..self }
    }

    /// The same, done only for somebody who has proven lately who they are: what whoever finds an open
    /// browser could do lasting harm with (`docs/console.md` says by which rule). The edge asks for the
    /// proof.
    pub(crate) fn dangerous(self) -> Self {
        Self { dangerous: true, ..self }
    }

    /// The same, taking bytes as they come: the page takes them from [`Visit::take`].
    pub(crate) fn streaming(self) -> Self {
        Self { streams: true, ..self }
    }

    /// The open parts of a path that is this one's, decoded.
    fn parts(&self, path: &str) -> Option<Vec<String>> {
        let mut parts = Vec::new();
        let (mut own, mut asked) = (self.path.split('/'), path.split('/'));
        loop {
            match (own.next(), asked.next()) {
                (None, None) => return Some(parts),
                (Some(open), Some(text)) if open.starts_with('{') && !text.is_empty() => {
                    parts.push(common::sign::percent_decode(text));
                }
                (Some(own), Some(asked)) if own == asked => {}
                _ => return None,
            }
        }
    }
}

/// A page that is shown.
pub(crate) fn get(path: &'static str, who: Who, page: impl Handles) -> Route {
    Route::new(Method::Get, path, who, page)
}

/// Something that is done.
pub(crate) fn post(path: &'static str, who: Who, page: impl Handles) -> Route {
    Route::new(Method::Post, path, who, page)
}

/// What a path leads to.
pub(crate) enum Found<'a> {
    /// A line, with the open parts of its path.
    Here(&'a Route, Vec<String>),
    /// A line that is asked for by the other method.
    Otherwise,
    /// Nothing.
    Nothing,
}

/// Finds the line of a path. A line whose path is open gives way to one that names it.
pub(crate) fn find<'a>(table: &'a [Route], method: Method, path: &str) -> Found<'a> {
    let fits = |route: &'a Route| route.parts(path).map(|parts| (route, parts));
    let mut all: Vec<_> = table.iter().filter_map(fits).collect();
    all.sort_by_key(|(_, parts)| parts.len());
    let any = !all.is_empty();
    match all.into_iter().find(|(route, _)| route.method == method) {
        Some((route, parts)) => Found::Here(route, parts),
        None if any => Found::Otherwise,
        None => Found::Nothing,
    }
}

/// The navigation of a viewer.
pub(crate) fn menu(table: &[Route], viewer: Option<&Viewer>) -> Vec<Entry> {
    let Some(viewer) = viewer.filter(|viewer| !viewer.is_held()) else { return Vec::new() };
    let shown = table.iter().filter(|route| route.who.admits(viewer));
    let entry =
        |route: &Route| route.menu.map(|(group, name)| Entry { group, path: route.path, name });
    shown.filter_map(entry).collect()
}

/// What is to be done with somebody who asks for a line.
pub(crate) enum Gate {
    /// They may.
    Open,
    /// They have to sign in first.
    SignIn,
    /// They have to do something else first: an own path.
    First(&'static str),
    /// They may not.
    Closed,
}

impl Route {
    /// Whether somebody may ask for it.
    pub(crate) fn gate(&self, viewer: Option<&Viewer>) -> Gate {
        match (self.who, viewer) {
            (Who::Anyone, _) | (Who::Held, Some(_)) => Gate::Open,
            (_, None) => Gate::SignIn,
            (_, Some(viewer)) if viewer.first_time => Gate::First("/first-time"),
            (_, Some(viewer)) if viewer.session.must_change => Gate::First("/password/new"),
            (who, Some(viewer)) if who.admits(viewer) => Gate::Open,
            _ => Gate::Closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_by_their_paths() {
        let nothing = |_: Visit| async { Ok(Reply::see("/")) };
        let table = vec![
            get("/a/{id}", Who::Anyone, nothing),
            get("/a/live", Who::Anyone, nothing),
            post("/a/{id}/b/{name}", Who::Anyone, nothing),
        ];
        let found = |method, path: &str| match find(&table, method, path) {
            Found::Here(route, parts) => format!("{} {}", route.path, parts.join(",")),
            Found::Otherwise => "otherwise".to_owned(),
            Found::Nothing => "nothing".to_owned(),
        };
        assert_eq!(found(Method::Get, "/a/x%2Fy"), "/a/{id} x/y");
        assert_eq!(found(Method::Get, "/a/live"), "/a/live ");
        assert_eq!(found(Method::Post, "/a/1/b/2"), "/a/{id}/b/{name} 1,2");
        assert_eq!(found(Method::Get, "/a/1/b/2"), "otherwise");
        assert_eq!(found(Method::Get, "/a/"), "nothing");
        assert_eq!(found(Method::Get, "/a/1/"), "nothing");
    }
}
