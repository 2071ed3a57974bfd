"""Every page in both languages, narrow and wide, by day and by night; and without a script."""


import pytest

from looks import LOOKS, looked_at

STRANGERS = {
    "sign-in": "/sign-in",
    "signed-out": "/sign-in?out=1",
    "apply": "/apply",
    "applied": "/apply?done=1",
    "recover-ask": "/recover/ask",
    "recover": "/recover#taro/some-code",
    "confirm": "/confirm#taro/some-code",
}
USERS = {
    "dashboard": "/",
    "instances": "/instances",
    "instances-none": "/instances?q=nothing",
    "instance": "/instances/{instance}",
    "password": "/password",
    "sessions": "/sessions",
}


@pytest.fixture(scope="module")
def tenant(site, chromium):
    """A user with instances in several states, signed in once; browsers share the session's cookies."""
    from conftest import Visitor

    user, first = site.add("tenant")
    it = Visitor(chromium, site)
    it.enter("tenant", first)
    cookies = it.context.cookies()
    it.context.close()
    ec2 = site.ec2(user)
    made = ec2.run_instances(ImageId=site.bootable(), MinCount=3, MaxCount=3)["Instances"]
    ids = [it["InstanceId"] for it in made]
    name = "Webserver <script>alert(1)</script> ウェブ"
    ec2.create_tags(Resources=ids[:1], Tags=[{"Key": "Name", "Value": name}, {"Key": "Team", "Value": "blue"}])
    ec2.get_waiter("instance_running").wait(InstanceIds=ids, WaiterConfig={"Delay": 1})
    ec2.stop_instances(InstanceIds=ids[1:2])
    ec2.terminate_instances(InstanceIds=ids[2:])
    ec2.get_waiter("instance_stopped").wait(InstanceIds=ids[1:2], WaiterConfig={"Delay": 1})
    ec2.get_waiter("instance_terminated").wait(InstanceIds=ids[2:], WaiterConfig={"Delay": 1})
    return cookies, ids[0]


@pytest.mark.parametrize("language, width, scheme", LOOKS)
def test_pages_for_anyone(site, visit, language, width, scheme):
    visitor = visit(language=language, width=width, scheme=scheme)
    for name, path in STRANGERS.items():
        looked_at(visitor, name, path)
    looked_at(visitor, "not-found", "/no/such/page", complains=True)
    visitor.sign_in("nobody", "wrong password")
    visitor.faults.clear()


@pytest.mark.parametrize("language, width, scheme", LOOKS)
def test_pages_for_users(tenant, visit, language, width, scheme):
    cookies, instance = tenant
    visitor = visit(language=language, width=width, scheme=scheme)
    visitor.context.add_cookies(cookies)
    for name, path in USERS.items():
        looked_at(visitor, name, path.format(instance=instance))


def test_a_first_password_is_only_good_for_another(site, visit):
    _, first = site.add("newcomer")
    for language, width, scheme in LOOKS:
        visitor = visit(language=language, width=width, scheme=scheme)
        visitor.sign_in("newcomer", first)
        visitor.go("/instances")
        assert visitor.page.url.endswith("/password/new")
        looked_at(visitor, "password-new", "/password/new")


def test_all_of_it_works_without_a_script(site, visit):
    _, first = site.add("plain")
    visitor = visit(script=False, width=360)
    visitor.enter("plain", first)
    visitor.page.click("details.menu summary")
    visitor.page.click("details.menu a[href='/instances']")
    assert visitor.page.inner_text("h1") == "Instances"
    visitor.page.fill("[name=q]", "x")
    visitor.page.click("form.search button")
    assert "q=x" in visitor.page.url
    visitor.page.click("button[lang=ja]")
    assert visitor.page.get_attribute("html", "lang") == "ja" and "q=x" in visitor.page.url
    visitor.page.click("form[action='/sign-out'] button")
    assert "/sign-in" in visitor.page.url
