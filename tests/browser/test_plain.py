"""What must be possible for everybody: without a script, and by the keyboard alone."""

import re

import boto3
from botocore.config import Config

import cloud as clouds
from conftest import ADMINISTRATOR, OWN


def test_one_applies_confirms_and_recovers_without_a_script(site, post, visit):
    site.admin("modify-property", "-p", "people.signup_address=root@example.com")
    it = visit(script=False, width=360)
    it.go("/sign-in")
    it.page.click("a[href='/apply']")
    it.fill(name="plain-hanako", email="plain-hanako@example.com", password=OWN, again=OWN)
    it.send()
    assert it.page.inner_text("[role=status]").startswith("The application was taken")
    site.admin("approve", "plain-hanako")
    # Nothing reads the code from the link: it is typed.
    for page, status in (("confirm", "Your account is confirmed"), ("recover", "The new password is set")):
        if page == "recover":
            it.go("/recover/ask")
            it.fill(name="plain-hanako")
            it.send()
        link = post.link("plain-hanako@example.com", page)
        it.go(link)
        name, code = link.partition("#")[2].split("/")
        assert it.page.input_value("[name=code]") == ""
        it.fill(name=name, code=code)
        if page == "recover":
            it.fill(password=ADMINISTRATOR, again=ADMINISTRATOR)
        it.send()
        assert it.page.inner_text("[role=status]").startswith(status), it.page.inner_text("main")
    it.sign_in("plain-hanako", ADMINISTRATOR)
    assert it.page.inner_text("h1") == "Dashboard"


def test_a_disk_becomes_an_image_that_runs_without_a_script(site, visit, tmp_path):
    site.bootable()
    user, first = site.add("plain-uploader")
    disk = bytearray(2 << 20)
    disk[446:462] = bytes([0x80, 0, 0, 0, 0x83, 0, 0, 0, 64, 0, 0, 0, 0, 4, 0, 0])
    disk[510:512] = b"\x55\xaa"
    (tmp_path / "plain.img").write_bytes(disk)
    it = visit(script=False, width=360)
    it.enter("plain-uploader", first)
    it.go("/buckets/new")
    it.fill(name="plain-disks")
    it.send()
    it.page.set_input_files("[name=file]", tmp_path / "plain.img")
    with it.page.expect_navigation():
        it.page.click(".uploader button")
    s3 = boto3.client(
        "s3", endpoint_url=user["S3_URL"], region_name="eucalyptus", config=Config(s3={"addressing_style": "path"}),
        aws_access_key_id=user["EC2_ACCESS_KEY"], aws_secret_access_key=user["EC2_SECRET_KEY"],
    )
    assert s3.head_object(Bucket="plain-disks", Key="plain.img")["ContentLength"] == 2 << 20
    it.go("/images/import?bucket=plain-disks&key=plain.img")
    with it.page.expect_navigation():
        it.page.click("main form[method=post] button[type=submit]")

    def done():
        it.go("/images/imports")
        return it.page.locator("tbody .tag:has-text('done')").count()
    clouds.wait_until(done, "the disk was imported")
    it.page.click("tbody a[href^='/images/emi-']")
    image = it.page.url.split("/")[-1].split("?")[0]
    it.go(f"/launch?image={image}")
    for button in (".deeds button:text-is('Review')", "button:text-is('Launch')"):
        with it.page.expect_navigation():
            it.page.click(button)
    instance = re.search(r"i-[0-9a-f]{8,}", it.page.url + it.page.inner_text("main"))[0]

    def runs():
        it.go(f"/instances/{instance}")
        return "running" in it.page.inner_text("dl.facts, main dl")
    clouds.wait_until(runs, "it runs")
    site.ec2(user).terminate_instances(InstanceIds=[instance])


class Keys:
    """Somebody who has no mouse."""

    def __init__(self, page):
        self.page = page

    def to(self, selector):
        """Goes on with the tabulator until something has the focus, which is seen wherever it is."""
        for _ in range(150):
            # What has it is asked first: some pages begin in their field.
            there, seen, what = self.page.evaluate(
                "wanted => { const at = document.activeElement, how = getComputedStyle(at);"
                " const seen = at === document.body || how.outlineStyle != 'none' || how.boxShadow != 'none';"
                " return [at.matches(wanted), seen, at.outerHTML.slice(0, 200)]; }", selector
            )
            assert seen, f"nobody sees that the focus is on {what}"
            if there:
                return self
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the tabulator does not come to {selector}")

    def type(self, text):
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)
        return self

    def enter(self):
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        return self


def test_a_key_and_an_instance_are_made_by_the_keyboard_alone(site, visit):
    image = site.bootable()
    user, first = site.add("typist")
    it = visit()
    keys = Keys(it.page)
    it.go("/sign-in")
    keys.to("[name=account]").type("typist").to("[name=password]").type(first).enter()
    keys.to("[name=password]").type(OWN).to("[name=again]").type(OWN).enter()
    assert it.page.inner_text("h1") == "Dashboard"
    keys.to("a[href='/key-pairs']").enter().to("main a[href='/key-pairs/new']").enter()
    keys.to("[name=name]").type("typed").enter()
    assert "PRIVATE KEY" in it.page.input_value("#private-key")
    with it.page.expect_download():
        keys.to("form[action='/key-pairs/file'] button")
        it.page.keyboard.press("Enter")
    keys.to("a[href='/instances']").enter().to("main a[href='/launch']").enter()
    keys.to(f"main a[href*='{image}'].button").enter()
    keys.to("[name=count]").type("1").to(".deeds button").enter()
    assert it.page.inner_text("h1") == "Review and launch"
    keys.to("main form[action='/launch'] button:not([formaction])").enter()
    assert it.page.inner_text("[role=status]").startswith("The instance")
    it.page.locator(".tag:text-is('running')").first.wait_for(timeout=30_000)
    (made,) = site.ec2(user).describe_instances()["Reservations"]
    instance = made["Instances"][0]["InstanceId"]
    assert made["Instances"][0]["KeyName"] == "typed"
    it.go(f"/instances/{instance}")
    keys.to("#do-terminate").enter()
    assert "cannot be undone" in it.page.inner_text("main")
    keys.to("main form button.danger").enter()
    it.page.locator("dd .tag:text-is('terminated')").wait_for(timeout=30_000)
    assert not it.faults
