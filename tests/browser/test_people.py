"""Administrators and the people of the cloud: all ways of becoming a user, and the pages of users."""

import re

import cloud as clouds
import pytest

from conftest import ADMINISTRATOR, OWN, Visitor
from looks import LOOKS, looked_at

# Each language at each width, and each of them by day and by night once.
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def steward(site, chromium):
    """The cookies of an administrator who has configured the cloud, with applications open."""
    it = Visitor(chromium, site)
    if (site.cloud.dir / "admin/console-password").exists():
        it.sign_in("eucalyptus", site.first_password)
        it.fill(password=ADMINISTRATOR, again=ADMINISTRATOR, email="root@example.com", host="127.0.0.1")
        it.send()
    else:
        it.sign_in("eucalyptus", ADMINISTRATOR)
    assert it.page.inner_text("h1") == "Dashboard"
    site.admin("modify-property", "-p", "people.signup_address=root@example.com")
    yield it.context.cookies()
    it.context.close()


@pytest.fixture
def admin(steward, visit):
    def admin(**options):
        it = visit(**options)
        it.context.add_cookies(steward)
        return it
    return admin


def test_quotas_and_the_log(site, admin):
    site.add("juni")
    it = admin()
    it.go("/quotas")
    it.page.fill("#account", "juni")
    with it.page.expect_navigation():
        it.page.click("form:has(#account) button")
    it.page.fill("[name='ec2:quota-vminstancenumber']", "3")
    with it.page.expect_navigation():
        it.page.click("form[action='/quotas/account/limits'] button")
    assert told(it) == "The quotas were saved."
    it.fill(bytes="1000000")
    with it.page.expect_navigation():
        it.page.click("form[action='/quotas/account'] button")
    assert told(it) == "The quotas were saved."
    assert "976.5 KiB" in it.page.inner_text("main")
    it.go("/people/user?name=juni")
    assert re.search(r"Instances\s+0\s+3\s", it.page.inner_text("main"))
    it.go("/groups")
    it.fill(name="night")
    it.send()
    it.fill(user="juni")
    with it.page.expect_navigation():
        it.page.click("form[action='/groups/group/join'] button")
    assert it.page.locator("a:text-is('juni')").count() == 1
    it.go("/audit?event=PutAccountPolicy")
    it.page.click("tbody a >> nth=0")
    assert "ec2:quota-vminstancenumber" in it.page.inner_text("main")
    it.go("/audit")
    press(it, "form[action='/audit/verify'] button", asked=False)
    assert told(it) == "All logs are as they were written."
    assert not it.faults


def test_nobody_overwrites_a_policy_that_they_have_not_seen(site, admin):
    site.add("kana")
    one, two = admin(), admin()
    document = """{
  "Statement": {
    "Action": "ec2:RunInstances",
    "Condition": {
      "NumericLessThanEquals": {
        "ec2:quota-vminstancenumber": "%s"
      }
    },
    "Effect": "Limit",
    "Resource": "*"
  }
}"""
    for it in (one, two):
        it.go("/quotas/account?name=kana")
        it.page.click("details.more summary")
        it.page.fill("[name=policy] >> visible=true", "few")
    new = "details.more form"
    for it, most in ((one, 3), (two, 4)):
        it.page.fill(f"{new} textarea", document % most)
        press(it, f"{new} button", asked=False)
    assert told(one) == "The quotas were saved."
    assert "The policy 'few' is another one than this page began with" in two.page.inner_text("main [role=alert]")
    kept = two.page.input_value("section.card textarea")
    assert '"3"' in kept and '"4"' in two.page.input_value(f"{new} textarea")
    # What the page was filled with is not sent on, however a browser ends its lines.
    press(two, "section.card button:text-is('Save')", asked=False)
    assert two.page.input_value("section.card textarea") == kept
    one.page.fill("section.card textarea", document % 5)
    press(one, "section.card button:text-is('Save')", asked=False)
    press(two, "section.card button:text-is('Save')", asked=False)
    assert '"5"' in two.page.input_value("section.card textarea")
    assert not one.faults


def press(it, selector, asked=True):
    """Presses a button, and is sure of it if it asks."""
    if asked:
        it.page.once("dialog", lambda dialog: dialog.accept())
    with it.page.expect_navigation():
        it.page.click(selector)


def told(it):
    return it.page.inner_text("main [role=status] >> nth=0")


def apply(visit, name, **said):
    it = visit()
    it.go("/apply")
    it.fill(name=name, email=f"{name}@example.com", password=OWN, again=OWN, **said)
    it.send()
    assert told(it).startswith("The application was taken")
    assert not it.faults
    return it


def test_by_the_command_on_the_host(site, visit):
    _, first = site.add("ichiro")
    it = visit()
    it.enter("ichiro", first)
    assert it.page.inner_text("h1") == "Dashboard"
    assert not it.page.locator("nav a[href='/people']").count()
    assert it.go("/people").status == 403


def test_by_an_administrator_at_once(admin, visit):
    it = admin()
    it.go("/")
    it.page.click(".side a[href='/people']")
    it.page.click("a[href='/people/add']")
    first = it.page.input_value("[name=password]")
    it.fill(name="jiro", full_name="山田 次郎")
    it.send()
    assert "jiro was added" in told(it)
    user = visit()
    user.enter("jiro", first)
    it.go("/people?q=次郎")
    assert it.page.locator("tbody tr").count() == 1
    # Whoever is disabled is out at once.
    it.page.click("tbody a")
    press(it, "form[action='/people/user/disable'] button")
    assert "jiro can use nothing any more" in told(it)
    user.go("/instances")
    assert "/sign-in" in user.page.url
    user.fill(account="jiro", password=OWN)
    user.send()
    assert "disabled" in user.page.inner_text("[role=alert]")
    press(it, "form[action='/people/user/enable'] button")
    user.fill(account="jiro", password=OWN)
    user.send()
    assert user.page.inner_text("h1") == "Instances"
    assert not it.faults


def test_by_an_administrator_after_a_mail(admin, visit, post):
    it = admin()
    it.go("/people/add")
    it.page.check("[name=how][value=mail]")
    it.fill(name="saburo")
    it.page.select_option("select[name=language]", "ja")
    it.send()
    assert it.page.locator("[role=alert]").inner_text().endswith("a mail address is needed")
    assert it.page.is_checked("[value=mail]")
    it.faults.clear()
    it.fill(email="saburo@example.com")
    it.send()
    assert "A mail with a link is on its way" in told(it)
    assert "not confirmed yet" in it.page.inner_text("main")
    user = visit(language="ja")
    link = post.link("saburo@example.com", "confirm")
    user.go(link)
    user.fill(password=OWN, again=OWN)
    user.send()
    user.page.click("a[href='/sign-in']")
    user.fill(account="saburo", password=OWN)
    user.send()
    assert user.page.inner_text("h1") == "ダッシュボード"
    # The administrator's page has followed it.
    it.page.locator(".live .tag:has-text('active')").wait_for()
    # The link is good once.
    user.go(link)
    user.fill(password=OWN, again=OWN)
    user.send()
    assert "このリンクは使えません" in user.page.inner_text("[role=alert]")
    assert not it.faults


def test_by_an_application_that_is_approved(steward, admin, visit, post):
    apply(visit, "shiro", full_name=SCRIPT, project_description=f"{SCRIPT}\nlines")
    link = post.link("root@example.com", "approve", "shiro")
    it = admin()
    it.go("/")
    assert it.page.locator(".side a[href='/people'] .tag").inner_text().startswith("1")
    it.go(link)
    assert it.page.input_value("[name=name]") == "shiro"
    it.send()
    assert it.page.inner_text("h1") == "shiro"
    assert SCRIPT in it.page.inner_text("main"), "a text, and nothing else"
    press(it, "form[action='/people/user/approve'] button")
    assert "shiro was approved" in told(it)
    it.go(link)
    it.send()
    assert "nothing to decide" in told(it), "the link of the mail decides once"
    user = visit()
    user.go(post.link("shiro@example.com", "confirm"))
    user.send()
    assert told(user).startswith("Your account is confirmed")
    user.sign_in("shiro", OWN)
    assert user.page.inner_text("h1") == "Dashboard"
    assert not it.faults and not user.faults


def test_by_an_application_that_is_turned_down(site, admin, visit, post):
    apply(visit, "goro")
    link = post.link("root@example.com", "reject", "goro")
    # The link leads there by the sign-in.
    it = visit()
    it.go(link)
    it.fill(account="eucalyptus", password=ADMINISTRATOR)
    it.send()
    assert it.page.url == f"{site.url}/reject"
    it.send()
    it.fill(reason="There is no room before spring.")
    it.send()
    assert "goro was turned down" in told(it)
    (text,) = clouds.wait_until(lambda: [text for to, text in post.mails if to == "goro@example.com"], "the mail")
    assert "    | There is no room before spring." in text
    it.go(link)
    it.send()
    assert "there is no user 'goro'" in it.page.inner_text("[role=alert]")
    it.faults.clear()


def test_a_user_goes_and_another_gets_what_was_owned(site, admin, visit):
    user, first = site.add("rokuro")
    site.add("nanako")
    site.ec2(user).create_key_pair(KeyName="door")
    theirs = visit()
    theirs.enter("rokuro", first)
    it = admin()
    it.go("/people/user?name=rokuro")
    it.page.click("a[href^='/people/user/delete']")
    assert "key pairs: door" in it.page.inner_text("main")
    it.page.check("[value=give]")
    it.fill(heir="nanako", again="rokuro")
    it.send()
    theirs.go("/")
    assert "/sign-in" in theirs.page.url
    if "/people/user" in it.page.url:
        it.page.locator(".live .notice.good").wait_for(timeout=30_000)
    it.go("/people?q=rokuro")
    assert "No user matches." in it.page.inner_text("main")
    it.go("/people/user/delete?name=nanako")
    assert "key pairs: door" in it.page.inner_text("main")
    assert not it.faults


def test_a_password_and_credentials_are_given(site, admin, visit):
    _, first = site.add("hachi")
    theirs = visit()
    theirs.enter("hachi", first)
    it = admin()
    it.go("/people/user/password?name=hachi")
    made = it.page.input_value("[name=password]")
    assert re.fullmatch("[a-z2-9]{20}", made)
    it.send()
    assert "The password was set" in told(it) and made not in it.page.content()
    theirs.go("/")
    assert "/sign-in" in theirs.page.url
    theirs.enter("hachi", made, own="noch ein anderes 5")
    it.go("/people/user?name=hachi")
    it.page.once("dialog", lambda dialog: dialog.accept())
    with it.page.expect_download() as download:
        it.page.click("button:has-text('Download a credentials zip')")
    assert download.value.suggested_filename == "euca2-hachi-x509.zip"


@pytest.mark.parametrize("language, width, scheme", LOOKS)
def test_looks(site, admin, visit, language, width, scheme):
    site.bootable()
    if not site.admin("describe-users").count("\nUSER\tkyuta\t"):
        apply(visit, "kyuta", full_name=f"九太 {SCRIPT}", affiliation="University of the Seed", project_description="One\nTwo")
    it = admin(language=language, width=width, scheme=scheme)
    for name, path in {
        "people": "/people",
        "people-none": "/people?q=nobody-at-all",
        "people-waiting": "/people/waiting",
        "people-add": "/people/add",
        "people-user": "/people/user?name=eucalyptus",
        "people-applicant": "/people/user?name=kyuta",
        "people-reject": "/people/user/reject?name=kyuta",
        "people-edit": "/people/user/edit?name=kyuta",
        "people-password": "/people/user/password?name=kyuta",
        "people-delete": "/people/user/delete?name=kyuta",
        "groups": "/groups",
        "group": "/groups/group?name=default",
        "audit": "/audit?read=false",
        "audit-none": "/audit?event=Nothing",
        "activity": "/activity",
        "quotas": "/quotas",
        "quotas-account": "/quotas/account?name=kyuta",
        "quotas-bucket": "/quotas/bucket?name=boot",
        "approve": "/approve#kyuta",
        "reject": "/reject#kyuta",
    }.items():
        looked_at(it, name, path)
        if name in ("audit", "activity"):
            looked_at(it, f"{name}-event", it.page.get_attribute("main tbody a >> nth=0", "href"))
