//! Fields that no form has do nothing, whoever sends them and with which form.

use clc::console::{Method, Who, lines};
use common::wire::admin::{DescribeRegistrations, DescribeSettings, DescribeUsers};

use crate::crawl::{Crawl, bound, closed, filled, name, sound};
use crate::site::Site;

/// What somebody might want to be, or to be done as.
const WISHES: &[(&str, &str)] = &[
    ("administrator", "true"),
    ("admin", "1"),
    ("system", "true"),
    ("is_admin", "on"),
    ("role", "admin"),
    ("enabled", "true"),
    ("approved", "true"),
    ("confirmed", "true"),
    ("standing", "confirmed"),
    ("account", "eucalyptus"),
    ("user", "admin"),
    ("user_name", "admin"),
    ("account_id", "000000000000"),
    ("owner", "000000000000"),
    ("by", "000000000000/admin"),
    ("by.account", "000000000000"),
    ("by.user", "admin"),
    ("caller", "000000000000"),
    ("session", "x"),
    ("password_set", "0"),
    ("must_change", "false"),
    ("second_factor", "true"),
    ("proven", "4102444800"),
    ("first_time", "true"),
    ("policy", "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}"),
    ("quota", "unlimited"),
    ("instances", "100000"),
];

#[test]
fn nobody_becomes_more_than_they_are_by_fields_that_no_form_has() {
    let mut site = Site::raise();
    let admin = |site: &Site| {
        let users = site.cloud.ask_clc(DescribeUsers {}).unwrap();
        let settings = site.cloud.ask_clc(DescribeSettings {}).unwrap();
        let mut standing = site.cloud.ask_clc(DescribeRegistrations { name: None }).unwrap();
        // One's contact data are one's own to change.
        standing.iter_mut().for_each(|it| it.contact = Default::default());
        format!("{users:?}{settings:?}{standing:?}")
    };
    let cloud = admin(&site);
    let state = site.state();
    for inside in [false, true] {
        let mut person = if inside { site.jiro.clone() } else { site.hanako.clone() };
        let crawl = Crawl::of(&mut person.browser, &["/"]);
        for line in lines().into_iter().filter(|line| line.method == Method::Post && !line.streams)
        {
            person.come();
            let before = site.mark();
            let mut forms: Vec<_> = crawl
                .of_line(&line)
                .into_iter()
                .map(|form| (form.action.clone(), filled(form, |_| None)))
                .collect();
            forms.push((closed(line.path), Vec::new()));
            for (action, mut fields) in forms {
                // The wishes stand before the form's own fields, and behind them.
                let own: Vec<_> = fields.iter().map(|(name, _)| name.clone()).collect();
                let wishes = WISHES.iter().filter(|(name, _)| !own.iter().any(|it| it == name));
                let wishes: Vec<_> =
                    wishes.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
                let token = person.browser.token();
                fields = [wishes.clone(), fields, wishes].concat();
                let shown = person.browser.post(&action, &bound(fields, &token));
                sound(&action, &shown);
                if line.who == Who::Administrator {
                    assert_eq!(shown.status, 403, "{}", name(&line));
                }
            }
            for event in site.changes(&before) {
                let by = event.actor.as_ref().map(|it| (it.alias.as_str(), it.name.as_str()));
                let expected = if inside { ("taro", "jiro") } else { ("hanako", "admin") };
                assert!(by.is_none_or(|by| by == expected), "{}: {event:#?}", name(&line));
            }
        }
        person.come();
        for line in lines().into_iter().filter(|line| line.who == Who::Administrator) {
            if line.method == Method::Get {
                let shown = person.browser.get(&closed(line.path));
                assert_eq!(shown.status, 403, "{}", name(&line));
            }
        }
    }
    assert_eq!(admin(&site), cloud);
    site.taro.come();
    assert_eq!(site.state(), state);
}
