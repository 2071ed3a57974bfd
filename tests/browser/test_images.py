"""Images at the console: registered from a bucket, watched, shared, described, deregistered; and disks that are
uploaded and become images."""

import os

import boto3
import pytest
from botocore.config import Config

import cloud as clouds
from conftest import OWN
from looks import LOOKS, looked_at


def s3_of(user):
    return boto3.client(
        "s3", endpoint_url=user["S3_URL"], region_name="eucalyptus",
        aws_access_key_id=user["EC2_ACCESS_KEY"], aws_secret_access_key=user["EC2_SECRET_KEY"],
        config=Config(s3={"addressing_style": "path"}),
    )


def send(it):
    """Sends the page's form: others search."""
    with it.page.expect_navigation():
        it.page.click("main form[method=post] button[type=submit]")


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
    send(it)
    assert "must have 3 to 128 characters" in it.page.inner_text(".refused:has([name=name])")
    assert it.page.input_value("[name=location]") == location
    it.faults.clear()
    it.fill(location="bucket-picture/none.xml", name="A picture")
    send(it)
    assert "There is no manifest" in it.page.inner_text(".refused:has([name=location])")
    it.faults.clear()
    it.fill(location=location, description="first <b>sketch</b>")
    send(it)
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
    s3 = s3_of(user)
    # As long as the manifest is there, parts that do not fit are refused as they come.
    s3.delete_object(Bucket=bucket, Key=manifest)
    s3.put_object(Bucket=bucket, Key=part, Body=bytes(damaged))
    s3.put_object(Bucket=bucket, Key=manifest, Body=(folder / manifest).read_bytes())
    it, japanese = visit(), visit(language="ja")
    it.enter("unlucky", first)
    it.go("/images/register")
    it.fill(location=location)
    send(it)
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
    s3 = s3_of(user)
    s3.create_bucket(Bucket="gallery-disks")
    s3.put_object(Bucket="gallery-disks", Key="Datenträger <b>.img", Body=partitioned(1 << 20))
    source = {"S3Bucket": "gallery-disks", "S3Key": "Datenträger <b>.img"}
    site.ec2(user).import_image(DiskContainers=[{"Format": "raw", "UserBucket": source}])
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
        "image-upload": "/images/upload",
        "image-upload-file": "/images/upload/file?name=server&bucket=disks",
        "image-import": "/images/import?bucket=disks&key=disks/server.img",
        "image-imports": "/images/imports",
    }.items():
        looked_at(visitor, name, path)


def partitioned(size):
    """A disk with a partition table, of which no two parts are alike."""
    content = bytearray(os.urandom(1 << 20) * (size >> 20))
    for at in range(0, size, 1 << 20):
        content[at:at + 8] = at.to_bytes(8, "big")
    content[446:510] = bytes([0x80, 0, 0, 0, 0x83, 0, 0, 0, 64, 0, 0, 0, 0, 4, 0, 0]) + bytes(48)
    content[510:512] = b"\x55\xaa"
    return bytes(content)


def test_a_disk_is_uploaded_in_spite_of_a_broken_line_and_runs(site, visit, tmp_path):
    user, first = site.add("uploader")
    disk = tmp_path / "laptop.raw"
    disk.write_bytes(partitioned(40 << 20))
    it = visit()
    it.enter("uploader", first)
    it.go("/images/upload")
    it.fill(name="x")
    it.page.click("main form[action='/images/upload'] button[type=submit]")
    it.page.locator(".refused:has([name=name]) .why").wait_for()
    it.faults.clear()
    it.fill(name="My server", description="from the laptop")
    it.page.click("main form[action='/images/upload'] button[type=submit]")
    it.page.locator("h1:has-text('Upload the disk of My server')").wait_for()
    # The line breaks in the middle of the upload, and the browser is closed.
    it.context.route("**/uploads/part?**", lambda route: route.abort() if "number=3" in route.request.url else route.continue_())
    it.page.set_input_files("input[type=file]", disk)
    it.page.locator(".uploads .state:has-text('%')").wait_for(timeout=30_000)
    s3 = s3_of(user)
    bucket = f"disks-{user['EC2_USER_ID']}"

    def parts():
        uploads = s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        return uploads and len(s3.list_parts(Bucket=bucket, Key=uploads[0]["Key"], UploadId=uploads[0]["UploadId"]).get("Parts", [])) == 2
    clouds.wait_until(parts, "two parts have arrived")
    cookies = it.context.cookies()
    it.context.close()

    it = visit()
    it.context.add_cookies(cookies)
    sent = []
    it.page.on("request", lambda request: "/uploads/part?" in request.url and sent.append(request.url))
    it.go("/images/upload")
    it.page.click("a:has-text('Go on with the upload')")
    assert it.page.input_value("[name=name]") == "My server"
    it.fill(description="from the laptop")
    it.page.click("main form[action='/images/upload'] button[type=submit]")
    it.page.locator("h1:has-text('Upload the disk of My server')").wait_for()
    # What is no raw disk is refused before it is sent.
    packed = tmp_path / "disk.qcow2"
    packed.write_bytes(b"QFI\xfb" + bytes(40 << 20))
    it.page.set_input_files("input[type=file]", packed)
    it.page.locator(".state:has-text('qemu-img convert')").wait_for()
    it.faults.clear()
    it.page.reload()
    assert not sent
    it.page.set_input_files("input[type=file]", disk)
    # The upload leads on to the import, and that to the list of imports.
    it.page.wait_for_url("**/images/imports?done=begun", timeout=60_000)
    assert len(sent) == 1 and "number=3" in sent[0], sent
    it.page.locator("tbody .tag:has-text('done')").wait_for(timeout=60_000)
    assert it.page.locator("tbody a[href^='/launch?image=emi-']").count() == 1
    it.page.click("tbody a[href^='/images/emi-']")
    it.page.locator("dd .tag:has-text('available')").wait_for()
    text = it.page.inner_text("main")
    assert "My server" in text and "from the laptop" in text and "40 MiB" in text and "by itself" in text
    image = it.page.url.split("/")[-1]
    clouds.wait_until(lambda: "Contents" not in s3.list_objects_v2(Bucket=bucket), "the disk has gone from its bucket")
    # What runs is what was uploaded.
    ec2 = site.ec2(user)
    (described,) = ec2.describe_images(ImageIds=[image])["Images"]
    bundle, manifest = described["ImageLocation"].split("/")
    plain = tmp_path / "plain"
    plain.mkdir()
    user.euca("download-and-unbundle", "-b", bundle, "-m", manifest, "-d", plain)
    (again,) = plain.iterdir()
    assert again.read_bytes() == disk.read_bytes()
    (made,) = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"]
    it.page.reload()
    it.page.locator(f"a[href='/instances/{made['InstanceId']}']").click()
    it.page.locator("dd .tag:has-text('running')").wait_for(timeout=30_000)
    ec2.terminate_instances(InstanceIds=[made["InstanceId"]])
    # A link that says what an upload says makes nothing by itself.
    it.go(f"/images/import?bucket={bucket}&key=disks/other.img&name=other&go=1")
    it.go("/images/imports")
    assert it.page.locator("tbody tr").count() == 1
    # With its bundle it goes for good.
    it.go(f"/images/{image}/deregister")
    it.page.check("[value=drop]")
    it.page.click("button:has-text('Deregister')")
    it.page.locator("text=and its bundle deleted").wait_for()
    assert "Contents" not in s3.list_objects_v2(Bucket=bundle)
    assert not it.faults, it.faults


def test_an_import_is_refused_with_its_reason_and_cancelled(site, visit):
    user, first = site.add("changer")
    s3 = s3_of(user)
    s3.create_bucket(Bucket="changer-disks")
    s3.put_object(Bucket="changer-disks", Key="old.qcow2", Body=b"QFI\xfb" + bytes(4096))
    s3.put_object(Bucket="changer-disks", Key="big.img", Body=partitioned(64 << 20))
    it = visit(language="ja")
    it.enter("changer", first)
    it.go("/images/import?bucket=changer-disks&key=old.qcow2")
    send(it)
    assert "QCOW2" in it.page.inner_text(".refused:has([name=key]) .why") and "変換" in it.page.inner_text(".why")
    it.faults.clear()
    it.go("/images/import?bucket=changer-disks&key=big.img")
    assert it.page.input_value("[name=name]") == "big"
    it.page.uncheck("[name=drop]")
    send(it)
    assert it.page.url.endswith("/images/imports?done=begun")
    it.page.once("dialog", lambda dialog: dialog.accept())
    it.page.click("tbody form button")
    it.page.locator("tbody .tag:has-text('イメージなしで終了')").wait_for(timeout=30_000)
    assert "要求によりインポートをキャンセルしました" in it.page.inner_text("tbody")
    assert s3.head_object(Bucket="changer-disks", Key="big.img")["ContentLength"] == 64 << 20
    it.go("/images?view=mine")
    assert it.page.locator("tbody").count() == 0
    assert not it.faults, it.faults
