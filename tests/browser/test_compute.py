"""Instances and key pairs: made, watched, changed and ended by people at the console."""

import itertools
import os
import stat
import subprocess

import pytest

from conftest import OWN
from looks import looked_at

LOOKS = list(itertools.product(("en", "ja"), (360, 1280), ("light", "dark")))
SCRIPT = "<script>alert(1)</script>"


def test_a_key_pair_is_shown_once_and_had_as_a_file(site, visit, tmp_path):
    user, first = site.add("keyed")
    it = visit()
    it.enter("keyed", first)
    it.go("/key-pairs")
    assert "There are no key pairs yet." in it.page.inner_text("main")
    it.page.click("a[href='/key-pairs/new']")
    it.fill(name=f"web {SCRIPT}")
    it.page.check("[value=ed25519]")
    it.send()
    assert it.page.inner_text("h1") == "Save the private key now"
    key = it.page.input_value("#private-key")
    assert key.startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    for _ in range(2):
        with it.page.expect_download() as had:
            it.page.click("button:has-text('Download')")
        file = tmp_path / "key.pem"
        had.value.save_as(file)
        assert file.read_text() == key
    assert "PRIVATE" not in it.page.url and had.value.suggested_filename.endswith(".pem")
    os.chmod(file, stat.S_IRUSR)
    public = subprocess.run(["ssh-keygen", "-y", "-f", file], capture_output=True, text=True, check=True).stdout
    it.page.click("a:has-text('I have saved it')")
    assert it.page.locator("tbody tr").count() == 1 and SCRIPT in it.page.inner_text("tbody")
    (known,) = site.ec2(user).describe_key_pairs(IncludePublicKey=True)["KeyPairs"]
    assert known["PublicKey"].split()[1] == public.split()[1]
    # It cannot be had again, nor made twice.
    assert it.page.content().find("PRIVATE KEY") < 0
    it.go("/key-pairs/new")
    it.fill(name=f"web {SCRIPT}")
    it.send()
    assert "already exists" in it.page.inner_text(".wrong")
    it.faults.clear()

    # What is in a file comes into the form, and what is no key is refused beside its field.
    it.go("/key-pairs/import")
    (tmp_path / "key.pub").write_text(public)
    it.page.set_input_files("input[type=file]", tmp_path / "key.pub")
    it.page.wait_for_function("document.querySelector('[name=material]').value.startsWith('ssh-ed25519')")
    it.fill(name="imported")
    it.send()
    assert it.page.inner_text("[role=status]").startswith("The key pair was imported")
    it.go("/key-pairs/import")
    it.fill(name="broken", material=key)
    it.send()
    assert "this is a private key" in it.page.inner_text("#f-material-wrong")
    it.faults.clear()

    it.go("/key-pairs?q=import")
    it.page.once("dialog", lambda dialog: dialog.accept())
    with it.page.expect_navigation():
        it.page.click("td button.danger")
    assert "deleted" in it.page.inner_text("[role=status]")
    assert it.page.locator("tbody tr").count() == 1
    assert not it.faults


def test_a_key_pair_is_had_without_a_script(site, visit):
    _, first = site.add("plainkey")
    it = visit(script=False, width=360)
    it.enter("plainkey", first)
    it.go("/key-pairs/new")
    it.fill(name="rsa")
    it.send()
    key = it.page.input_value("#private-key")
    assert key.startswith("-----BEGIN RSA PRIVATE KEY-----")
    with it.page.expect_download() as had:
        it.page.click("button:has-text('Download')")
    assert open(had.value.path()).read() == key
