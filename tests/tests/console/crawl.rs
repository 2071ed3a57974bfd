//! Follows every link of every page, as one person, and gathers the forms.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use clc::console::{Line, Method, lines};

use crate::browser::{Browser, Shown, TOKEN};
use crate::markup::{self, Field, Form, Page};
use crate::site::OWN;

/// How many addresses of a line with the same names behind the `?` are followed.
const ALIKE: usize = 4;

/// On what page an address stands that came of something typed into a search.
const TYPED: &str = "typed";

/// How a line is called here: `GET /instances/{id}`.
pub(crate) fn name(line: &Line) -> String {
    let method = if line.method == Method::Get { "GET" } else { "POST" };
    format!("{method} {}", line.path)
}

/// The line of an address.
pub(crate) fn line_of(method: Method, target: &str) -> Option<Line> {
    let path = target.split(['?', '#']).next().unwrap();
    let fits = |line: &Line| {
        let (own, asked): (Vec<_>, Vec<_>) =
            (line.path.split('/').collect(), path.split('/').collect());
        let same = |(own, asked): (&&str, &&str)| {
            own == asked || own.starts_with('{') && !asked.is_empty()
        };
        line.method == method && own.len() == asked.len() && own.iter().zip(&asked).all(same)
    };
    let open = |line: &Line| line.path.matches('{').count();
    lines().into_iter().filter(fits).min_by_key(open)
}

/// What a crawl has found.
#[derive(Default)]
pub(crate) struct Crawl {
    /// Pages and other answers by their addresses.
    pub(crate) shown: BTreeMap<String, Shown>,
    /// A form of each line and shape, and the page on which it stands.
    pub(crate) forms: Vec<(String, Form)>,
    /// The lines that were asked for or that a form is for.
    pub(crate) reached: BTreeSet<String>,
    /// Links that lead to nothing, with the page on which they stand.
    pub(crate) dead: Vec<String>,
    /// Everything that was said on all pages.
    pub(crate) said: String,
}

/// Reads a page, or a part of one that is followed, and looks whether it is sound.
pub(crate) fn sound(what: &str, shown: &Shown) -> Option<Page> {
    assert!(shown.status < 500, "{what}: {} {}", shown.status, shown.text());
    if !shown.is_page() && !shown.is_stream() {
        // Whatever else is answered is no page, and no browser takes it for one.
        let kind = shown.header("content-type").replace("image/svg+xml", "");
        assert!(what.starts_with("/assets/") || kind == shown.header("content-type"), "{what}");
        assert!(!kind.contains("html") && !kind.contains("xml"), "{what}: {kind}");
        return None;
    }
    match markup::read(&shown.text()) {
        Ok(page) => Some(page),
        Err(error) => panic!("{what}: {error}\n{}", shown.text()),
    }
}

impl Crawl {
    /// Begins at an address.
    pub(crate) fn of(browser: &mut Browser, from: &[&str]) -> Self {
        let mut crawl = Self::default();
        let mut alike = BTreeMap::<String, usize>::new();
        let mut known = BTreeSet::new();
        let mut queue: VecDeque<_> =
            from.iter().map(|it| ("the beginning".to_owned(), (*it).to_owned())).collect();
        while let Some((on, target)) = queue.pop_front() {
            let target = target.split('#').next().unwrap().to_owned();
            if target.is_empty() || !known.insert(target.clone()) {
                continue;
            }
            let line = line_of(Method::Get, &target);
            let kind = match &line {
                Some(line) => format!("{} {:?}", line.path, names(&target)),
                None => "others".to_owned(),
            };
            let count = alike.entry(kind).or_default();
            *count += 1;
            if *count > ALIKE && line.is_some() {
                continue;
            }
            let shown = browser.get(&target);
            crawl.reached.extend(line.as_ref().map(name));
            if shown.status >= 400 && on != TYPED {
                crawl.dead.push(format!("{on} -> {target}: {}", shown.status));
            }
            if shown.status == 303 {
                let on = if on == TYPED { on } else { target.clone() };
                queue.push_back((on, shown.location().to_owned()));
            }
            if let Some(page) = sound(&target, &shown) {
                crawl.said.push_str(&page.said);
                queue.extend(page.links.into_iter().map(|link| (target.clone(), link)));
                for form in page.forms {
                    for action in form.also.clone() {
                        crawl.form(&target, Form { action, ..form.clone() }, &mut queue);
                    }
                    crawl.form(&target, form, &mut queue);
                }
            }
            crawl.shown.insert(target, shown);
        }
        crawl
    }

    fn form(&mut self, on: &str, form: Form, queue: &mut VecDeque<(String, String)>) {
        if form.method == "get" {
            let fields: Vec<_> = filled(&form, |_| None);
            let query = common::sign::write_query(&fields);
            let path = form.action.split('?').next().unwrap();
            queue.push_back((TYPED.to_owned(), format!("{path}?{query}")));
            self.forms.push((on.to_owned(), form));
            return;
        }
        let line = line_of(Method::Post, &form.action);
        let line = line.unwrap_or_else(|| panic!("{on}: a form for nothing: {}", form.action));
        self.reached.insert(name(&line));
        let shape = |form: &Form| {
            let fields: Vec<_> = form.fields.iter().map(|it| it.name.clone()).collect();
            (line_of(Method::Post, &form.action).map(|it| it.path), fields)
        };
        if !self.forms.iter().any(|(_, it)| it.method == "post" && shape(it) == shape(&form)) {
            self.forms.push((on.to_owned(), form));
        }
    }

    /// The forms that are posted.
    pub(crate) fn posted(&self) -> impl Iterator<Item = &Form> {
        self.forms.iter().map(|(_, form)| form).filter(|form| form.method == "post")
    }

    /// The forms of a line.
    pub(crate) fn of_line(&self, line: &Line) -> Vec<&Form> {
        let path = line.path;
        let is =
            |form: &&Form| line_of(Method::Post, &form.action).is_some_and(|it| it.path == path);
        self.posted().filter(is).collect()
    }

    /// An address of a line: one that was found, or one that leads to nothing.
    pub(crate) fn example(&self, line: &Line) -> String {
        let found = self.shown.keys().find(|target| {
            line.method == Method::Get
                && line_of(Method::Get, target).is_some_and(|it| it.path == line.path)
        });
        let of_form = || self.of_line(line).first().map(|form| form.action.clone());
        found.cloned().or_else(of_form).unwrap_or_else(|| closed(line.path))
    }
}

/// A path with something in its open parts.
pub(crate) fn closed(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "x1" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// The names behind the `?`, and the values that choose what is told.
fn names(target: &str) -> BTreeSet<&str> {
    let query = target.split_once('?').map(|(_, query)| query).unwrap_or_default();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| if pair.starts_with("done=") { pair } else { pair.split('=').next().unwrap() })
        .collect()
}

/// What could stand in a field.
fn plausible(field: &Field) -> String {
    match (field.kind.as_str(), field.name.as_str()) {
        ("password", _) => OWN,
        ("email", _) | (_, "email" | "mail") => "somebody@example.com",
        ("number", _) => "1",
        (_, "host") => "127.0.0.1",
        _ => "zq1",
    }
    .to_owned()
}

/// Whether people type into it what they like.
pub(crate) fn is_text(field: &Field) -> bool {
    matches!(
        field.kind.as_str(),
        "" | "text" | "search" | "email" | "textarea" | "tel" | "url" | "number"
    )
}

/// The fields of a form as they are sent, with another value where `other` gives one.
pub(crate) fn filled(
    form: &Form,
    other: impl Fn(&Field) -> Option<String>,
) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for field in form.fields.iter().filter(|it| it.kind != "file") {
        let ticked = !matches!(field.kind.as_str(), "checkbox" | "radio") || field.checked;
        if !ticked {
            continue;
        }
        let value = match other(field) {
            Some(value) => value,
            None if is_text(field) && field.value.is_empty() || field.kind == "password" => {
                plausible(field)
            }
            None => field.value.clone(),
        };
        fields.push((field.name.clone(), value));
    }
    fields
}

/// The same with another token.
pub(crate) fn bound(mut fields: Vec<(String, String)>, token: &str) -> Vec<(String, String)> {
    fields.retain(|(name, _)| name != TOKEN);
    fields.push((TOKEN.to_owned(), token.to_owned()));
    fields
}
