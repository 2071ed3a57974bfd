//! Every line, asked for by everybody who may not: what they get, that it tells nothing, and that nothing
//! is done.

use std::collections::BTreeSet;

use clc::console::{Line, Method, Who, lines};
use common::sign::{percent_decode, percent_encode};

use crate::browser::{Browser, Shown};
use crate::crawl::{Crawl, bound, closed, filled, name, sound};
use crate::site::{SECRET, Site, send};

/// How whoever may not is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turned {
    /// To the page of this path.
    To(&'static str),
    /// Told that they may not.
    Away,
    /// Not by the table: by what the page asks for.
    ByThePage,
}

/// Asks for a line as somebody, by all addresses that are known of it. Gives what was asked, with all that
/// was sent, and what was answered.
fn ask(browser: &mut Browser, line: &Line, crawls: &[&Crawl]) -> Vec<(String, Vec<String>, Shown)> {
    let mut shown = Vec::new();
    for crawl in crawls {
        let target = crawl.example(line);
        if line.method == Method::Get {
            let answer = browser.get(&target);
            shown.push((target, Vec::new(), answer));
            continue;
        }
        let token = browser.token();
        let forms = crawl.of_line(line).into_iter();
        let mut forms: Vec<_> = forms.map(|it| (it.action.clone(), filled(it, |_| None))).collect();
        forms.push((closed(line.path), Vec::new()));
        for (action, fields) in forms {
            let answer = browser.post(&action, &bound(fields.clone(), &token));
            shown.push((action, fields.into_iter().map(|(_, value)| value).collect(), answer));
        }
    }
    shown
}

/// What is told, without that by which it was asked for, which may well be repeated.
fn told_beyond(what: &str, target: &str, mut sent: Vec<String>, shown: &Shown) -> String {
    let mut told = sound(what, shown).map_or_else(|| shown.text(), |page| page.said);
    sent.push(target.to_owned());
    sent.push(percent_encode(target));
    let parts: Vec<_> = target.split(['/', '?', '&', '=']).map(str::to_owned).collect();
    sent.extend(parts.iter().map(|part| percent_decode(part)));
    sent.extend(parts);
    sent.retain(|part| part.contains(SECRET));
    sent.sort_by_key(|part| std::cmp::Reverse(part.len()));
    for part in sent {
        told = told.replace(&part, "");
    }
    told
}

#[test]
fn whoever_may_not_gets_nothing_and_nothing_is_done_on_every_line() {
    let site = Site::raise();
    let held = site.held();
    let disabled = site.disabled();
    let [ended, out] = site.ended();
    let mut full = site.taro.browser.clone();
    let own = Crawl::of(&mut full, &["/"]);
    let mut all = site.administrator.browser.clone();
    let cloud = Crawl::of(&mut all, &["/"]);
    let crawls = [&own, &cloud];

    let in_nothing = |line: &Line| match line.who {
        Who::Anyone => Turned::ByThePage,
        _ => Turned::To("/sign-in"),
    };
    let in_wait = |line: &Line| match line.who {
        Who::Anyone | Who::Held => Turned::ByThePage,
        _ => Turned::To("/password/new"),
    };
    let in_account = |line: &Line| match line.who {
        Who::Administrator => Turned::Away,
        _ => Turned::ByThePage,
    };
    type Rule<'a> = &'a dyn Fn(&Line) -> Turned;
    let people: [(&str, Browser, Rule<'_>); 8] = [
        ("nobody", site.taro.browser.another(), &in_nothing),
        ("held", held.browser, &in_wait),
        ("disabled", disabled.browser, &in_nothing),
        ("another password", ended.browser, &in_nothing),
        ("signed out", out.browser, &in_nothing),
        ("inside", site.jiro.browser.clone(), &in_account),
        ("another account", site.hanako.browser.clone(), &in_account),
        ("owner", site.taro.browser.clone(), &in_account),
    ];
    let state = site.state();
    for (who, mut browser, rule) in people {
        // What one did oneself first: later it tells of what was tried here.
        let mut all = lines();
        all.sort_by_key(|line| line.path != "/activity");
        for line in all {
            let turned = rule(&line);
            // What people do with what is their own is their own affair.
            let own_affair = line.method == Method::Post && turned == Turned::ByThePage;
            if own_affair && (who == "owner" || line.who != Who::SignedIn) {
                continue;
            }
            if own_affair && line.path.starts_with("/sessions") {
                continue;
            }
            let before = site.mark();
            for (target, sent, shown) in ask(&mut browser, &line, &crawls) {
                let told = format!("{who}: {} {target}: {}", name(&line), shown.status);
                let beyond = told_beyond(&told, &target, sent, &shown);
                match turned {
                    Turned::To(path) => {
                        assert_eq!(shown.status, 303, "{told}");
                        assert!(shown.location().starts_with(path), "{told}: {}", shown.location());
                    }
                    Turned::Away => assert_eq!(shown.status, 403, "{told}"),
                    Turned::ByThePage => assert!(shown.status < 500, "{told}"),
                }
                if who != "owner" {
                    assert!(!beyond.contains(SECRET), "{told}: {beyond}");
                }
            }
            let changed = site.changes(&before);
            let done: Vec<_> = changed
                .iter()
                .filter(|event| {
                    let by = event.actor.as_ref().map_or("", |actor| actor.alias.as_str());
                    turned != Turned::ByThePage || by != "hanako"
                })
                .collect();
            assert!(done.is_empty(), "{who}: {}: {done:#?}", name(&line));
            let theirs = |it: &String| site.things.iter().any(|thing| it.contains(thing.as_str()));
            assert!(
                !changed.iter().any(|event| event.resources.iter().any(theirs)),
                "{changed:#?}"
            );
        }
    }
    assert_eq!(site.state(), state, "the things of the first account are as they were");
}

#[test]
fn what_pages_of_administrators_ask_for_is_refused_by_the_apis_as_well() {
    let site = Site::raise();
    let mut browser = site.administrator.browser.clone();
    let cloud = Crawl::of(&mut browser, &["/"]);
    let lines: Vec<_> = lines().into_iter().filter(|line| line.who == Who::Administrator).collect();
    for line in lines.iter().filter(|line| line.method == Method::Get) {
        sound(line.path, &browser.get(&cloud.example(line)));
    }
    // All actions of administration, whichever of them the pages call.
    let api = site.cloud.actions();
    let of_clients = ["ec2", "iam", "sts", "s3"];
    let only: BTreeSet<_> = api.iter().filter(|(api, _)| !of_clients.contains(api)).collect();
    assert!(only.len() > 5, "{only:?}");
    let before = site.mark();
    for (api, action) in only {
        for path in [
            "/services/Properties",
            "/services/Configuration",
            "/services/Eucalyptus",
            "/services/Euare",
        ] {
            let pairs = [("Action", *action), ("Version", "eucalyptus")];
            let reply = send(&site.cloud, &site.owner, path, &pairs);
            assert!(reply.status >= 400, "{api} {action} at {path}: {}", reply.text());
        }
    }
    let changed = site.changes(&before);
    assert!(changed.is_empty(), "{changed:#?}");
}
