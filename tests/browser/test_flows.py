"""What people do at the console: come in by each way, follow what happens, and leave."""

import boto3
import pytest

from conftest import ADMINISTRATOR, OWN


@pytest.fixture(scope="module")
def open_door(site):
    site.admin("modify-property", "-p", "people.signup_address=root@example.com")


def test_one_applies_confirms_and_signs_in(site, post, visit, open_door):
    it = visit()
    it.go("/sign-in")
    it.page.click("a[href='/apply']")
    it.fill(name="hanako", email="hanako@example.com", password=OWN, again=OWN, full_name="山田 花子")
    it.send()
    assert it.page.inner_text("[role=status]").startswith("The application was taken")
    site.admin("approve", "hanako")
    it.go(post.link("hanako@example.com", "confirm"))
    # The link fills the form, and its code does not stay in the address.
    assert it.page.input_value("[name=name]") == "hanako"
    assert len(it.page.input_value("[name=code]")) == 43
    assert it.page.url == f"{site.url}/confirm"
    it.send()
    assert it.page.inner_text("[role=status]").startswith("Your account is confirmed")
    it.page.click("a[href='/sign-in']")
    it.fill(account="hanako", password=OWN)
    it.send()
    assert it.page.inner_text("h1") == "Dashboard"
    assert "hanako" in it.page.inner_text(".who")

    other = visit(language="ja")
    other.go("/recover/ask")
    other.fill(name="hanako")
    other.send()
    other.go(post.link("hanako@example.com", "recover"))
    other.fill(password=ADMINISTRATOR, again=ADMINISTRATOR)
    other.send()
    assert "パスワードを設定しました" in other.page.inner_text("[role=status]")
    it.go("/instances")
    assert "/sign-in?next=" in it.page.url, "sessions with the old password are over"
    it.fill(account="hanako", password=ADMINISTRATOR)
    it.send()
    assert it.page.url.endswith("/instances")
    assert not it.faults and not other.faults


def test_a_list_follows_what_happens(site, visit):
    user, first = site.add("watcher")
    it = visit()
    it.enter("watcher", first)
    it.go("/instances")
    assert "There are no instances." in it.page.inner_text("main")
    ec2 = site.ec2(user)
    (made,) = ec2.run_instances(ImageId=site.bootable(), MinCount=1, MaxCount=1)["Instances"]
    row = it.page.locator(f"tr:has-text('{made['InstanceId']}')")
    row.locator("text=running").wait_for(timeout=30_000)
    dashboard = visit()
    dashboard.sign_in("watcher", OWN)
    dashboard.page.locator(".tile:has-text('Instances') .number:text-is('1')").wait_for()
    ec2.terminate_instances(InstanceIds=[made["InstanceId"]])
    row.locator("text=terminated").wait_for(timeout=30_000)
    dashboard.page.locator(".tile:has-text('Instances') .number:text-is('0')").wait_for(timeout=30_000)
    row.locator("th a").click()
    it.page.locator("dd:has-text('terminated')").wait_for()
    assert not it.faults and not dashboard.faults


def test_what_is_dangerous_is_asked_first(site, visit):
    _, first = site.add("careful")
    it, other = visit(), visit()
    it.enter("careful", first)
    other.sign_in("careful", OWN)
    it.go("/sessions")
    it.page.once("dialog", lambda dialog: dialog.dismiss())
    it.page.click("td button.danger")
    assert it.page.locator("tbody tr").count() == 2
    it.page.once("dialog", lambda dialog: dialog.accept())
    with it.page.expect_navigation():
        it.page.click("td button.danger")
    assert it.page.locator("tbody tr").count() == 1
    other.go("/")
    assert "/sign-in" in other.page.url


def test_nothing_of_the_page_runs_in_a_frame_or_from_elsewhere(site, visit):
    it = visit()
    it.go("/sign-in")
    refused = it.page.evaluate("""async () => {
        const frame = document.createElement("iframe");
        frame.src = "/sign-in";
        document.body.append(frame);
        const script = document.createElement("script");
        script.textContent = "window.ran = 1";
        document.body.append(script);
        const fetched = await fetch("https://example.invalid/").then(() => true, () => false);
        return [window.ran === undefined, fetched];
    }""")
    assert refused == [True, False]
    assert any("Content Security Policy" in fault for fault in it.faults), it.faults


def test_a_user_of_an_account_signs_in_by_name(site, visit):
    user, first = site.add("company")
    it = visit()
    it.enter("company", first)
    iam = boto3.client(
        "iam", endpoint_url=user["EUARE_URL"], region_name="eucalyptus",
        aws_access_key_id=user["EC2_ACCESS_KEY"], aws_secret_access_key=user["EC2_SECRET_KEY"],
    )
    iam.create_user(UserName="jiro")
    iam.create_login_profile(UserName="jiro", Password=OWN)
    jiro = visit()
    jiro.go("/sign-in")
    jiro.fill(account="company", user="jiro", password=OWN)
    jiro.send()
    assert "company / jiro" in jiro.page.inner_text(".who")
    assert "You may not see this." in jiro.page.inner_text("main")


def test_a_link_of_another_site_leads_to_its_page(site, visit):
    _, first = site.add("linked")
    it = visit()
    it.enter("linked", first)
    link = f'<!doctype html><title>x</title><a href="{site.url}/instances?q=a#end">on</a>'
    it.context.route("https://elsewhere.example/", lambda route: route.fulfill(body=link, content_type="text/html"))
    it.page.goto("https://elsewhere.example/")
    it.page.click("a")
    it.page.wait_for_url("**/instances?q=a&onward=1#end")
    assert it.page.inner_text("h1") == "Instances"
    stranger = visit()
    stranger.go("/instances#end")
    stranger.fill(account="linked", password=OWN)
    stranger.send()
    assert stranger.page.url == f"{site.url}/instances#end"
