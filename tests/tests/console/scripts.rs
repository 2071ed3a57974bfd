//! What people type, what clients send and what stands in addresses is text wherever it is shown.

use clc::console::{Method, lines};
use common::sign::percent_encode;

use crate::crawl::{Crawl, bound, closed, filled, is_text, line_of, sound};
use crate::markup::Form;
use crate::site::{MARKER, Person, Site};

/// What becomes a script where an address is made of it.
const ADDRESS: &str = "javascript:zq()//";

/// Posts a form with the marker in its fields: in all of them, and in each alone. What is dangerous is
/// asked for, too: the session has just been proven.
fn post_marked(person: &mut Person, form: &Form) {
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
        person.come();
        let token = person.browser.token();
        let shown = person.browser.post(&form.action, &bound(filled(form, other), &token));
        sound(&form.action, &shown);
        if shown.status == 303 {
            let next = shown.location().to_owned();
            sound(&next, &person.browser.get(&next));
        }
    }
}

/// Asks for every line with the marker in every open part and behind every known name.
fn reflect(person: &mut Person, crawl: &Crawl) {
    let mut names: Vec<String> = Vec::new();
    for target in crawl.shown.keys() {
        let query = target.split_once('?').map(|(_, query)| query).unwrap_or_default();
        names.extend(query.split('&').filter_map(|pair| pair.split('=').next()).map(str::to_owned));
    }
    let of_forms = crawl.forms.iter().flat_map(|(_, form)| &form.fields).map(|it| it.name.clone());
    names.extend(of_forms);
    names.extend(
        ["done", "next", "q", "page", "prefix", "key", "marker", "token", "count"]
            .map(str::to_owned),
    );
    names.sort_unstable();
    names.dedup();
    names.retain(|it| !it.is_empty());
    let query = |value: &str| {
        let pairs =
            names.iter().map(|name| format!("{}={}", percent_encode(name), percent_encode(value)));
        pairs.collect::<Vec<_>>().join("&")
    };
    for line in lines().into_iter().filter(|line| line.method == Method::Get) {
        let marked = |part: &str| match part.starts_with('{') {
            true => percent_encode(MARKER),
            false => part.to_owned(),
        };
        let open: Vec<_> = line.path.split('/').map(marked).collect();
        let paths = [crawl.example(&line), open.join("/"), closed(line.path)];
        for path in paths {
            let path = path.split('?').next().unwrap();
            for value in [MARKER, ADDRESS] {
                let target = format!("{path}?{}", query(value));
                sound(&target, &person.browser.get(&target));
            }
            // One by one, where the others would be refused first.
            if path == closed(line.path) && !line.path.contains('{') {
                for name in &names {
                    let target =
                        format!("{path}?{}={}", percent_encode(name), percent_encode(MARKER));
                    sound(&target, &person.browser.get(&target));
                }
            }
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

    // What asks before comes last: it removes what the others are about.
    for asks in [false, true] {
        for (person, crawl) in [&mut site.taro, &mut site.administrator].into_iter().zip(&crawls) {
            for form in crawl.posted().filter(|form| form.asks == asks) {
                post_marked(person, form);
            }
            person.come();
            for language in ["en", "ja"] {
                person.browser.headers =
                    vec![agent.clone(), ("accept-language".into(), language.into())];
                Crawl::of(&mut person.browser, &["/"]);
            }
        }
    }
    // Lines whose forms were not found.
    let token = site.taro.browser.token();
    for line in lines().into_iter().filter(|line| line.method == Method::Post && !line.streams) {
        site.taro.come();
        if line_of(Method::Post, line.path).is_some_and(|it| it.path == "/sign-out") {
            continue;
        }
        let names =
            ["name", "id", "key", "code", "prefix", "account", "user", "back", "next", "reason"];
        let fields = names.map(|name| (name.to_owned(), MARKER.to_owned())).to_vec();
        let target = closed(line.path);
        let shown = site.taro.browser.post(&target, &bound(fields, &token));
        sound(&target, &shown);
    }
}
