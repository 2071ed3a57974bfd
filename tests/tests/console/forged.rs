//! No form is taken that a page of ours has not begun, on any line, and nothing comes of it.

use clc::console::{Method, lines};
use common::sign::write_query;

use crate::browser::{Browser, FORM, TOKEN};
use crate::crawl::{Crawl, bound, filled, name};
use crate::site::Site;

fn multipart(fields: &[(String, String)]) -> String {
    let part = |(name, value): &(String, String)| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    format!("{}--b--\r\n", fields.iter().map(part).collect::<String>())
}

#[test]
fn no_line_takes_a_form_that_is_not_ours() {
    let site = Site::raise();
    let mut foreign = site.hanako.browser.clone();
    let mut stranger = site.taro.browser.another();
    let others = [foreign.token(), stranger.token(), String::new(), "x".to_owned()];
    let mut crawls = Vec::new();
    for person in [&site.taro, &site.administrator] {
        let mut browser = person.browser.clone();
        let crawl = Crawl::of(&mut browser, &["/"]);
        crawls.push((browser, crawl));
    }
    let state = site.state();
    for (browser, crawl) in &mut crawls {
        let own = browser.token();
        for line in lines().into_iter().filter(|line| line.method == Method::Post) {
            let target = crawl.example(&line);
            let forms = crawl.of_line(&line);
            let said = forms.first().map(|form| filled(form, |_| None)).unwrap_or_default();
            let before = (site.mark(), browser.cookies.clone());
            let refused = |browser: &mut Browser,
                           how: &str,
                           headers: &[(&str, &str)],
                           target: &str,
                           body: &str| {
                let shown = browser.ask("POST", target, headers, Some(body.as_bytes()));
                let told = (name(&line), how, shown.status);
                assert!([400, 403, 413, 415].contains(&shown.status), "{told:?}: {}", shown.text());
            };
            let form = ("content-type", FORM);
            for token in &others {
                let body = write_query(&bound(said.clone(), token));
                refused(browser, "another token", &[form], &target, &body);
                let header = ("x-form-token", token.as_str());
                refused(browser, "another token in the head", &[header], &target, "x");
            }
            let bare: Vec<_> = said.iter().filter(|(name, _)| name != TOKEN).cloned().collect();
            let mark = if target.contains('?') { '&' } else { '?' };
            let asked = format!("{target}{mark}{TOKEN}={own}");
            refused(browser, "the token in the address", &[form], &asked, &write_query(&bare));
            if !line.streams {
                let header = ("x-form-token", own.as_str());
                refused(
                    browser,
                    "the token in the head",
                    &[form, header],
                    &target,
                    &write_query(&bare),
                );
            }
            let mine = bound(said.clone(), &own);
            for site in ["cross-site", "same-site", "odd"] {
                let from = ("sec-fetch-site", site);
                refused(browser, site, &[form, from], &target, &write_query(&mine));
                let header = ("x-form-token", own.as_str());
                refused(browser, site, &[from, header], &target, "x");
            }
            let json = format!("{{\"{TOKEN}\":\"{own}\"}}");
            for (kind, body) in [
                ("text/plain", write_query(&mine)),
                ("application/json", json),
                ("application/json", write_query(&mine)),
                ("application/xml", write_query(&mine)),
                ("", write_query(&mine)),
            ] {
                refused(browser, kind, &[("content-type", kind)], &target, &body);
            }
            if !line.streams {
                let kind = ("content-type", "multipart/form-data; boundary=b");
                refused(browser, "in pieces", &[kind], &target, &multipart(&mine));
                let much = format!("{}&x={}", write_query(&mine), "x".repeat(70_000));
                refused(browser, "too much", &[form], &target, &much);
            }
            // A session that is put beside: neither counts.
            let mut twice = browser.clone();
            twice.headers.push(("cookie".to_owned(), "__Host-console=x".to_owned()));
            let shown = twice.post(&target, &mine);
            assert!([303, 403].contains(&shown.status), "{}: {}", name(&line), shown.status);
            let changed = site.changes(&before.0);
            assert!(changed.is_empty(), "{}: {changed:#?}", name(&line));
            assert_eq!(browser.cookies, before.1, "{}", name(&line));
        }
    }
    assert_eq!(site.state(), state);
}
