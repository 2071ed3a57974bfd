"""Credentials, the second factor, proofs of who one is, and the lines of what was done."""

import base64
import hashlib
import hmac
import itertools
import struct
import subprocess
import time
import zipfile

import pytest

import cloud as clouds
from conftest import OWN, Visitor
from looks import looked_at

LOOKS = list(itertools.product(("en", "ja"), ((360, "light"), (1280, "dark"))))


def code(secret, step):
    """What a device with that secret shows (RFC 6238)."""
    key = base64.b32decode(secret)
    sum_ = hmac.new(key, struct.pack(">Q", step), hashlib.sha1).digest()
    at = sum_[19] & 15
    return f"{(struct.unpack('>I', sum_[at:at + 4])[0] & 0x7fffffff) % 1_000_000:06}"


def step():
    return int(time.time()) // 30


@pytest.fixture
def asks_each_time(site):
    """A cloud whose console asks each time before what is dangerous."""
    site.admin("modify-property", "-p", "console.reauthenticate_minutes=0")
    yield
    site.admin("modify-property", "-p", "console.reauthenticate_minutes=10")


def sure(it):
    it.page.once("dialog", lambda dialog: dialog.accept())


def test_an_access_key_is_made_saved_and_deleted(site, visit, tmp_path):
    _, first = site.add("key-keeper")
    it = visit()
    it.enter("key-keeper", first)
    it.go("/access-keys")
    with it.page.expect_navigation():
        it.page.click("form[action='/access-keys/create'] button")
    key, secret = it.page.locator("dd code").all_inner_texts()
    for name, text in (("credentials", f"aws_secret_access_key = {secret}\n"), (f"{key}.csv", f"{key},{secret}\r\n")):
        with it.page.expect_download() as saved:
            it.page.click(f"a[download='{name}']")
        file = tmp_path / name
        saved.value.save_as(file)
        assert saved.value.suggested_filename == name
        assert text.encode() in file.read_bytes()
    it.page.click("a[href='/access-keys'] >> nth=-1")
    assert secret not in it.page.content() and key in it.page.content()
    row = it.page.locator(f"tr:has-text('{key}')")
    sure(it)
    with it.page.expect_navigation():
        row.locator("button:has-text('Delete')").click()
    assert it.page.inner_text("[role=status]").startswith("The access key was deleted")
    # How it is done from a terminal, folded away.
    it.page.click("details.lines summary")
    assert it.page.inner_text("pre[data-line=euca]") == f"euare-userdelkey {key}"
    it.page.click("a[href='/lines'] >> nth=-1")
    assert it.page.locator("section.done").count() == 2
    it.context.grant_permissions(["clipboard-read", "clipboard-write"])
    it.page.click("button.copy >> nth=2")
    assert it.page.evaluate("navigator.clipboard.readText()") == f"euare-userdelkey {key}"
    assert not it.faults, it.faults


def test_what_is_dangerous_takes_the_password_again_and_the_zip_works(site, visit, asks_each_time, tmp_path):
    _, first = site.add("careful-keeper")
    it = visit()
    it.enter("careful-keeper", first)
    it.go("/credentials")
    it.page.click("button:has-text('Download all of it')")
    assert it.page.inner_text("h1") == "Confirm that it is you"
    it.fill(proof_password="wrong password")
    it.send()
    assert "is wrong" in it.page.inner_text("[role=alert]")
    it.faults.clear()
    it.fill(proof_password=OWN)
    it.send()
    with it.page.expect_download() as saved:
        it.page.click("a[download]")
    file = tmp_path / saved.value.suggested_filename
    saved.value.save_as(file)
    assert file.name == "euca2-careful-keeper-x509.zip"
    zipfile.ZipFile(file).extractall(tmp_path / "credentials")
    told = clouds.Credentials(tmp_path / "credentials").euca("describe-availability-zones")
    assert "eucalyptus-1a" in told
    it.page.click("p.links a[href='/credentials']")
    it.page.click("button:has-text('Download all of it')")
    it.page.click("a:has-text('Do not do it')")
    assert it.page.inner_text("h1") == "Credentials"
    assert not it.faults, it.faults


def test_a_second_factor_is_set_up_used_and_turned_off(site, visit):
    _, first = site.add("factor")
    it = visit(width=360)
    it.enter("factor", first)
    it.go("/second-factor")
    it.send()
    secret = it.page.locator("main p code").inner_text().replace(" ", "")
    assert it.page.locator("svg.code path").count() == 1
    now = step()
    it.fill(first_code="000000", second_code="000001")
    it.send()
    assert "the next two codes" in it.page.inner_text("main")
    it.faults.clear()
    it.fill(first_code=code(secret, now - 1), second_code=code(secret, now))
    with it.page.expect_navigation():
        it.page.click("form[action='/second-factor/on'] button")
    assert "The second factor is on" in it.page.inner_text("[role=status]")
    other = visit()
    other.sign_in("factor", OWN)
    assert other.page.inner_text("h1") == "Second factor"
    other.fill(code=code(secret, now + 1))
    other.send()
    assert other.page.inner_text("h1") == "Dashboard"
    for language, (width, scheme) in LOOKS:
        asked = visit(language=language, width=width, scheme=scheme)
        asked.sign_in("factor", OWN)
        looked_at(asked, "sign-in-code", "/sign-in/code")
    other.go("/second-factor")
    sure(other)
    with other.page.expect_navigation():
        other.page.click("form[action='/second-factor/off'] button")
    assert "The second factor is off" in other.page.inner_text("[role=status]")
    assert not it.faults and not other.faults


def test_another_mail_address_is_confirmed_where_it_is(site, post, visit):
    _, first = site.add("mover")
    it = visit()
    it.enter("mover", first)
    it.go("/contact")
    it.fill(email="mover@example.com", full_name="山田 <b>")
    it.send()
    assert "Confirm the new mail address" in it.page.inner_text("[role=status]")
    assert it.page.input_value("[name=email]") == "" and it.page.input_value("[name=full_name]") == "山田 <b>"
    it.go(post.link("mover@example.com", "confirm-address"))
    it.send()
    assert it.page.inner_text("[role=status]").startswith("The new mail address is yours")
    it.go("/contact")
    assert it.page.input_value("[name=email]") == "mover@example.com"
    assert not it.faults


@pytest.fixture(scope="module")
def keeper(site, chromium):
    """A user with keys, certificates and things done, signed in once."""
    _, first = site.add("looked-keeper")
    it = Visitor(chromium, site)
    it.enter("looked-keeper", first)
    it.go("/access-keys")
    it.page.click("form[action='/access-keys/create'] button")
    it.go("/certificates")
    it.page.click("form[action='/certificates/create'] button")
    it.page.wait_for_url("**/certificates/create")
    it.go("/access-keys")
    it.page.once("dialog", lambda dialog: dialog.accept())
    it.page.click("button:has-text('Deactivate') >> nth=0")
    it.page.wait_for_url("**/access-keys?done=inactive")
    cookies = it.context.cookies()
    it.context.close()
    return cookies


@pytest.mark.parametrize("language, how", LOOKS)
def test_looks(keeper, visit, language, how):
    it = visit(language=language, width=how[0], scheme=how[1])
    it.context.add_cookies(keeper)
    for name, path in {
        "credentials": "/credentials", "access-keys": "/access-keys", "access-keys-done": "/access-keys?done=inactive",
        "certificates": "/certificates", "second-factor": "/second-factor", "contact": "/contact", "lines": "/lines",
        "confirm-address": "/confirm-address#taro/some-code",
    }.items():
        looked_at(it, name, path)


@pytest.mark.parametrize("language, how", LOOKS)
def test_looks_of_what_is_posted(site, visit, language, how, asks_each_time):
    """Pages that only a form leads to: the proof, the key that was made, the certificate, the second factor."""
    name = f"poster-{language}"
    _, first = site.add(f"{name}-{how[0]}")
    it = visit(language=language, width=how[0], scheme=how[1])
    it.enter(f"{name}-{how[0]}", first)
    for page, action, picture in (
        ("/access-keys", "/access-keys/create", "access-key-made"),
        ("/certificates", "/certificates/create", "certificate-made"),
        ("/second-factor", "/second-factor/begin", "second-factor-begun"),
    ):
        it.go(page)
        with it.page.expect_navigation():
            it.page.click(f"form[action='{action}'] button")
        looked_at(it, f"proof-{picture}", None)
        it.fill(proof_password=OWN)
        it.send()
        looked_at(it, picture, None)
