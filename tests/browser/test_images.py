"""Images at the console: registered from a bucket, watched, shared, described, deregistered."""

import itertools

import boto3
import pytest
from botocore.config import Config

import cloud as clouds
from conftest import OWN
from looks import looked_at

LOOKS = list(itertools.product(("en", "ja"), (360, 1280), ("light", "dark")))


def bundled(site, user, name, content):
    """A bundle of a user's, in a bucket of theirs: where its manifest is."""
    folder = site.cloud.dir / f"images-{name}"
    folder.mkdir()
    file = folder / name
    file.write_bytes(content)
    manifest, _ = clouds.bundle(user, file, folder / "bundle")
    user.euca("upload-bundle", "-b", f"bucket-{name}", "-m", manifest)
    return f"bucket-{name}/{manifest.name}"


def test_an_image_is_registered_watched_shared_and_deregistered(site, visit):
    site.bootable()
    user, first = site.add("painter")
    site.add("neighbour")
    location = bundled(site, user, "picture", b"\0" * (1 << 20))
    it = visit()
    it.enter("painter", first)
    it.go("/images")
    assert "Images" == it.page.inner_text("h1")
    it.page.click("a[href='/images/register']")
    it.fill(location=location, name="x")
    it.send()
    assert "must have 3 to 128 characters" in it.page.inner_text(".wrong:has([name=name])")
    assert it.page.input_value("[name=location]") == location
    it.faults.clear()
    it.fill(location="bucket-picture/none.xml", name="A picture")
    it.send()
    assert "There is no manifest" in it.page.inner_text(".wrong:has([name=location])")
    it.faults.clear()
    it.fill(location=location, description="first <b>sketch</b>")
    it.send()
    assert "The image is registered" in it.page.inner_text(".notice")
    image = it.page.url.split("/")[-1].split("?")[0]
    it.page.locator("dd .tag:has-text('available')").wait_for(timeout=30_000)
    assert "first <b>sketch</b>" in it.page.inner_text("main") and "1 MiB" in it.page.inner_text("main")

    # Shared by name, and taken back.
    it.fill(account="nobody-at-all")
    it.page.click("button:has-text('Allow')")
    it.page.locator(".notice.bad").wait_for()
    it.faults.clear()
    it.fill(account="neighbour")
    it.page.click("button:has-text('Allow')")
    it.page.locator("ul.plain code").wait_for()
    assert len(it.page.inner_text("ul.plain code")) == 12
    it.page.click("ul.plain button:has-text('Remove')")
    it.page.locator("text=No other account is named.").wait_for()
    it.page.once("dialog", lambda dialog: dialog.accept())
    it.page.click("button:has-text('Make it public')")
    it.page.locator("button:has-text('Make it private')").wait_for()

    it.fill(description="second")
    it.page.click("button:has-text('Save')")
    it.page.locator("text=The description was saved.").wait_for()
    it.fill(key="Name", value="My picture")
    it.page.click("button:has-text('Set the tag')")
    it.page.locator(f"h1:has-text('My picture ({image})')").wait_for()

    it.go("/images?view=mine&q=my+pic")
    assert it.page.locator("tbody tr").count() == 1
    it.go("/images?view=mine&kind=kernel")
    assert "No image matches." in it.page.inner_text("main")
    it.go(f"/images/{image}")
    it.page.click("a:has-text('Deregister this image')")
    it.page.click("button:has-text('Deregister')")
    it.page.locator("text=The image was deregistered.").wait_for()
    it.go("/images?view=mine")
    assert "No image matches." in it.page.inner_text("main")
    assert not it.faults, it.faults


def test_an_image_that_fails_says_why(site, visit):
    user, first = site.add("unlucky")
    location = bundled(site, user, "broken", b"x" * (1 << 20))
    bucket, manifest = location.split("/")
    part = manifest.replace(".manifest.xml", ".part.0")
    folder = site.cloud.dir / "images-broken/bundle"
    damaged = bytearray((folder / part).read_bytes())
    damaged[100] ^= 1
    s3 = boto3.client(
        "s3", endpoint_url=user["S3_URL"], region_name="eucalyptus",
        aws_access_key_id=user["EC2_ACCESS_KEY"], aws_secret_access_key=user["EC2_SECRET_KEY"],
        config=Config(s3={"addressing_style": "path"}),
    )
    # As long as the manifest is there, parts that do not fit are refused as they come.
    s3.delete_object(Bucket=bucket, Key=manifest)
    s3.put_object(Bucket=bucket, Key=part, Body=bytes(damaged))
    s3.put_object(Bucket=bucket, Key=manifest, Body=(folder / manifest).read_bytes())
    it, japanese = visit(), visit(language="ja")
    it.enter("unlucky", first)
    it.go("/images/register")
    it.fill(location=location)
    it.send()
    it.page.locator("dd .tag:has-text('failed')").wait_for(timeout=30_000)
    assert part in it.page.inner_text(".reason")
    japanese.sign_in("unlucky", OWN)
    japanese.go(it.page.url.split("?")[0])
    assert "失敗" in japanese.page.inner_text("dd .tag")
    assert not it.faults, it.faults


@pytest.fixture(scope="module")
def gallery(site, chromium):
    """A user with images, signed in once."""
    from conftest import Visitor

    site.bootable()
    user, first = site.add("gallery")
    location = bundled(site, user, "gallery", b"\0" * (1 << 20))
    image = user.euca("register", location, "-n", "Web server").split()[1]
    user.euca("create-tags", image, "--tag", "Name=ウェブ <script>alert(1)</script>", "--tag", "Team=blue")
    user.euca("modify-image-attribute", image, "-l", "-a", user["EC2_USER_ID"])
    it = Visitor(chromium, site)
    it.enter("gallery", first)
    cookies = it.context.cookies()
    it.context.close()
    return cookies, image


@pytest.mark.parametrize("language, width, scheme", LOOKS)
def test_pages_of_images(gallery, visit, language, width, scheme):
    cookies, image = gallery
    visitor = visit(language=language, width=width, scheme=scheme)
    visitor.context.add_cookies(cookies)
    for name, path in {
        "images": "/images",
        "images-none": "/images?view=shared",
        "image": f"/images/{image}",
        "image-register": "/images/register",
        "image-deregister": f"/images/{image}/deregister",
    }.items():
        looked_at(visitor, name, path)
