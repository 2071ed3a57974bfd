"""The first-time configuration, by the password that the first start has written."""

from conftest import ADMINISTRATOR
from looks import LOOKS, looked_at


def test_the_administrator_configures_the_cloud(site, visit):
    file = site.cloud.dir / "admin/console-password"
    first = site.first_password
    looks = [visit(language=language, width=width, scheme=scheme) for language, width, scheme in LOOKS]
    for visitor in looks:
        visitor.sign_in("eucalyptus", first)
        assert visitor.page.url.endswith("/first-time")
        looked_at(visitor, "first-time", "/first-time")
    it = visit()
    it.sign_in("eucalyptus", first)
    it.go("/instances")
    assert it.page.url.endswith("/first-time"), "nothing else before it"
    it.fill(password=ADMINISTRATOR, again="another", email="root@example.com", host="127.0.0.1")
    it.send()
    assert it.page.inner_text("[role=alert]").endswith("The two passwords are not the same")
    assert it.page.input_value("[name=email]") == "root@example.com"
    it.faults.clear()
    it.fill(password=ADMINISTRATOR, again=ADMINISTRATOR)
    it.send()
    assert it.page.inner_text("h1") == "Dashboard"
    assert not file.exists()
    for visitor in looks[:1]:
        visitor.go("/")
        assert "/sign-in" in visitor.page.url, "another password ends other sessions"
    assert not it.faults
