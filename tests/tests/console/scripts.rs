//! What people type, what clients send and what stands in addresses is text wherever it is shown.

use std::collections::BTreeSet;

use clc::console::{Method, lines};
use common::sign::percent_encode;

use crate::crawl::{Crawl, bound, closed, filled, is_text, line_of, sound};
use crate::markup::Form;
use crate::site::{MARKER, Person, Site};

/// What becomes a script where an address is made of it.
const ADDRESS: &str = "javascript:zq()//";

/// By what forms are told apart: their line and their fields.
fn shape(form: &Form) -> (&'static str, Vec<String>) {
    let fields = form.fields.iter().map(|it| it.name.clone()).collect();
    (line_of(Method::Post, &form.action).map_or("", |line| line.path), fields)
}

/// Posts a form with the marker in its fields: in all of them, and in each alone. What is dangerous is
/// asked for, too: the session has just been proven. Gives the forms of the pages that came of it.
fn post_marked(person: &mut Person, form: &Form) -> Vec<Form> {
    let mut further = Vec::new();
    let texts: Vec<_> =
        form.fields.iter().filter(|it| is_text(it)).map(|it| it.name.clone()).collect();
    let choose = |wanted: &str, value: &'static str| {
        let wanted = wanted.to_owned();
        move |field: &crate::markup::Field| {
            let hidden = field.kind == "hidden" && wanted == "hidden";
            let is = wanted == "all" && is_text(field) || field.name == wanted || hidden;
            is.then(|| value.to_owned())
        }
    };
    let mut tries = vec![choose("all", MARKER), choose("all", ADDRESS), choose("hidden", MARKER)];
    tries.extend(texts.iter().map(|name| choose(name, MARKER)));
    for other in tries {
        let token = person.browser.token();
        let shown = person.browser.post(&form.action, &bound(filled(form, other), &token));
        let page = sound(&form.action, &shown).unwrap_or_default();
        further.extend(page.forms.into_iter().filter(|form| form.method == "post"));
        if shown.status == 303 {
            let next = shown.location().to_owned();
            sound(&next, &person.browser.get(&next));
            if next.starts_with("/sign-in") || next.starts_with("/password") {
                person.come();
            }
        }
    }
    further
}

/// The names behind the `?` of addresses and in forms that lead to a line, or to any.
fn names(crawl: &Crawl, of: impl Fn(&str) -> bool) -> Vec<String> {
    let mut names = Vec::new();
    for target in crawl.shown.keys().filter(|target| of(target)) {
        let query = target.split_once('?').map(|(_, query)| query).unwrap_or_default();
        names.extend(query.split('&').filter_map(|pair| pair.split('=').next()).map(str::to_owned));
    }
    let forms = crawl.forms.iter().filter(|(on, form)| of(&form.action) || of(on));
    names.extend(forms.flat_map(|(_, form)| &form.fields).map(|it| it.name.clone()));
    names.extend(["done", "next", "q", "page"].map(str::to_owned));
    names.sort_unstable();
    names.dedup();
    names.retain(|it| !it.is_empty());
    names
}

/// Asks for every line with the marker in every open part and behind every known name: behind all at once,
/// and, where one could be refused before another is looked at, behind each of the line's own.
fn reflect(person: &mut Person, crawl: &Crawl) {
    let all = names(crawl, |_| true);
    let pair =
        |name: &String, value: &str| format!("{}={}", percent_encode(name), percent_encode(value));
    for line in lines().into_iter().filter(|line| line.method == Method::Get) {
        let marked = |part: &str| match part.starts_with('{') {
            true => percent_encode(MARKER),
            false => part.to_owned(),
        };
        let open: Vec<_> = line.path.split('/').map(marked).collect();
        let example = crawl.example(&line);
        let (known, query) = example.split_once('?').unwrap_or((&example, ""));
        for path in [known, &open.join("/"), &closed(line.path)] {
            for value in [MARKER, ADDRESS] {
                let query: Vec<_> = all.iter().map(|name| pair(name, value)).collect();
                let target = format!("{path}?{}", query.join("&"));
                sound(&target, &person.browser.get(&target));
            }
        }
        let is = |target: &str| line_of(Method::Get, target).is_some_and(|it| it.path == line.path);
        for name in names(crawl, is) {
            // The others as they are, so that the page comes as far as to show this one.
            let others =
                query.split('&').filter(|it| !it.is_empty() && it.split('=').next() != Some(&name));
            let all: Vec<_> = others.map(str::to_owned).chain([pair(&name, MARKER)]).collect();
            let target = format!("{known}?{}", all.join("&"));
            sound(&target, &person.browser.get(&target));
        }
    }
}

#[test]
fn nothing_that_anybody_says_becomes_a_script() {
    let mut site = Site::raise();
    let agent = ("user-agent".to_owned(), MARKER.to_owned());
    let referer = ("referer".to_owned(), format!("https://x/{ADDRESS}{}", "\"><b>"));
    for person in [&mut site.administrator, &mut site.taro, &mut site.hanako] {
        person.browser.headers = vec![agent.clone(), referer.clone()];
        // A session whose agent is the marker.
        let (account, user) = (person.account.clone(), person.user.clone());
        person.browser = person.browser.another();
        person.browser.headers = vec![agent.clone(), referer.clone()];
        (person.account, person.user) = (account, user);
        person.come();
    }
    let mut stranger = site.taro.clone();
    stranger.browser = stranger.browser.another();
    stranger.browser.submit("/sign-in", &[("account", MARKER), ("password", MARKER)]);

    let mut crawls = Vec::new();
    for person in [&mut site.taro, &mut site.administrator] {
        let crawl = Crawl::of(&mut person.browser, &["/"]);
        assert!(crawl.said.contains(MARKER), "what clients sent is shown");
        reflect(person, &crawl);
        crawls.push(crawl);
    }
    let crawl = Crawl::of(&mut stranger.browser, &["/sign-in", "/apply", "/recover/ask"]);
    reflect(&mut stranger, &crawl);

    // Lines whose forms were not found.
    for line in lines().into_iter().filter(|line| line.method == Method::Post && !line.streams) {
        site.hanako.come();
        let token = site.hanako.browser.token();
        if line_of(Method::Post, line.path).is_some_and(|it| it.path == "/sign-out") {
            continue;
        }
        let names =
            ["name", "id", "key", "code", "prefix", "account", "user", "back", "next", "reason"];
        let fields = names.map(|name| (name.to_owned(), MARKER.to_owned())).to_vec();
        let target = closed(line.path);
        let shown = site.hanako.browser.post(&target, &bound(fields, &token));
        sound(&target, &shown);
    }

    // What asks before comes last: it removes what the others are about; and what administrators may do
    // to others, when the others are done.
    for (person, crawl) in [&mut site.taro, &mut site.administrator].into_iter().zip(&crawls) {
        for asks in [false, true] {
            // Some forms stand only on pages that come of a form.
            let mut known: BTreeSet<_> = crawl.posted().map(shape).collect();
            for form in crawl.posted().filter(|form| form.asks == asks) {
                for further in post_marked(person, form) {
                    if known.insert(shape(&further)) {
                        post_marked(person, &further);
                    }
                }
            }
            person.come();
            for language in ["en", "ja"] {
                person.browser.headers =
                    vec![agent.clone(), ("accept-language".into(), language.into())];
                Crawl::of(&mut person.browser, &["/"]);
            }
        }
    }
}
