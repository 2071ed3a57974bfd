"""Buckets and objects: made, filled by choosing and by dropping, taken up again, shared, opened to others, deleted."""

import base64
import contextlib
import hashlib
import http.client
import json
import pathlib
import re
import ssl
import urllib.parse
import urllib.request

import boto3
import botocore.exceptions
import pytest

import cloud as clouds
from looks import LOOKS, looked_at

ODD = "<script>alert(1)<／script> %2F ünï 日本.html"
PART = 16 << 20


def s3(user):
    return boto3.client(
        "s3", endpoint_url=user["S3_URL"], region_name="eucalyptus",
        aws_access_key_id=user["EC2_ACCESS_KEY"], aws_secret_access_key=user["EC2_SECRET_KEY"],
    )


def entered(site, visit, name, **options):
    user, first = site.add(name)
    it = visit(**options)
    it.enter(name, first)
    return it, s3(user)


def in_field(name):
    """A name as forms have it."""
    return re.sub("[%\r\n]", lambda it: f"%{ord(it.group()):02X}", name)


def pattern(size):
    """Bytes of which no two parts are alike."""
    block = hashlib.sha256(b"eucalypt").digest() * 32768
    pieces = (number.to_bytes(8, "big") + block[8:] for number in range(size // len(block) + 1))
    return b"".join(pieces)[:size]


class Raw:
    """The console without a browser, as whoever is signed in in one."""

    def __init__(self, visitor):
        cookies = visitor.context.cookies()
        self.cookies = "; ".join(f"{it['name']}={it['value']}" for it in cookies)
        self.address = urllib.parse.urlsplit(visitor.site.url).netloc
        body = self.ask("GET", "/buckets")[2].decode()
        self.token = re.search(r'name="token_of_form" value="([^"]+)"', body).group(1)

    def open(self, method, path, body=None, headers=None):
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection(self.address, context=context, timeout=120)
        connection.request(method, path, body, {"cookie": self.cookies, **(headers or {})})
        return connection, connection.getresponse()

    def ask(self, method, path, body=None, headers=None):
        connection, answer = self.open(method, path, body, headers)
        with contextlib.closing(connection):
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()

    def form(self, path, **fields):
        body = urllib.parse.urlencode({"token_of_form": self.token, **fields})
        return self.ask("POST", path, body, {"content-type": "application/x-www-form-urlencoded"})


def test_a_bucket_is_made_filled_shared_and_deleted(site, visit, tmp_path):
    it, own = entered(site, visit, "keeper")
    page = it.page
    it.go("/buckets")
    assert "You have no buckets" in page.inner_text("main")
    page.click("a[href='/buckets/new']")
    it.fill(name="no such name")
    it.send()
    assert "not valid" in page.inner_text("[role=alert]")
    it.faults.clear()
    it.fill(name="photos-of-keeper")
    it.send()
    assert page.url.endswith("/buckets/photos-of-keeper/objects?done=created")

    # By choosing, several at once, and with a name that means nothing here.
    small = tmp_path / ODD
    small.write_bytes(b"<script>alert(1)</script>")
    other = tmp_path / "large.bin"
    other.write_bytes(pattern(2 * PART + 12345))
    with page.expect_navigation(timeout=60_000):
        page.set_input_files("[name=file]", [small, other])
    assert page.locator("a.object").all_inner_texts() == [ODD, "large.bin"]
    head = own.head_object(Bucket="photos-of-keeper", Key="large.bin")
    assert head["ContentLength"] == 2 * PART + 12345 and head["ETag"].strip('"').endswith("-3")

    # By dropping.
    transfer = page.evaluate_handle("""() => {
        const transfer = new DataTransfer();
        transfer.items.add(new File(["dropped here"], "dropped.txt", { type: "text/plain" }));
        return transfer;
    }""")
    with page.expect_navigation():
        page.dispatch_event(".uploader", "drop", {"dataTransfer": transfer})
    got = own.get_object(Bucket="photos-of-keeper", Key="dropped.txt")
    assert got["Body"].read() == b"dropped here" and got["ContentType"] == "text/plain"

    # A folder, and what is searched.
    it.fill(folder="2026")
    page.locator("form[action$='/folder'] button").click()
    page.wait_for_url("**prefix=2026%2F&done=folder")
    assert "Nothing is here" in page.inner_text("main")
    it.go("/buckets/photos-of-keeper/objects?q=drop")
    assert page.locator("a.object").all_inner_texts() == ["dropped.txt"]

    # Downloaded, the same bytes.
    page.goto("/buckets/photos-of-keeper/object?key=large.bin")
    with page.expect_download() as download:
        page.click("a.button")
    assert download.value.suggested_filename == "large.bin"
    assert pathlib.Path(download.value.path()).read_bytes() == other.read_bytes()

    # A stranger with the link.
    page.select_option("[name=life]", "900")
    page.click("form[action$='/share'] button")
    link = page.input_value("textarea.link")
    assert urllib.request.urlopen(link).read() == other.read_bytes()
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(link.replace("large.bin", "dropped.txt"))
    assert refused.value.code == 403

    # Deleted: one, those that are chosen, a folder, the bucket.
    page.once("dialog", lambda dialog: dialog.accept())
    page.goto("/buckets/photos-of-keeper/object?key=large.bin")
    page.click("form[action$='/delete-objects'] button.danger")
    page.wait_for_url("**done=deleted**")
    page.check("[name=name][value='dropped.txt']")
    page.check("[name=name] >> nth=0")
    page.once("dialog", lambda dialog: dialog.accept())
    with page.expect_navigation():
        page.locator("form[action$='/delete-objects'] button.danger").click()
    page.click("a.folder")
    page.click("a[href*='delete-folder']")
    with page.expect_navigation():
        page.click("main form button.danger")
    assert "Nothing is here" in page.inner_text("main")
    page.once("dialog", lambda dialog: dialog.accept())
    with page.expect_navigation():
        page.click("form[action='/buckets/photos-of-keeper/delete'] button")
    assert page.url.endswith("/buckets?done=deleted")
    assert not own.list_buckets()["Buckets"] and not it.faults


def test_an_upload_that_broke_off_goes_on_with_the_same_file(site, visit, tmp_path):
    it, own = entered(site, visit, "patient")
    own.create_bucket(Bucket="patient-files")
    page, file = it.page, tmp_path / "film.bin"
    data = pattern(5 * PART + 77)
    file.write_bytes(data)
    sent = []

    def break_off(route):
        number = int(re.search(r"number=(\d+)", route.request.url).group(1))
        sent.append(number)
        route.continue_() if number <= 2 else route.abort()

    it.context.route("**/uploads/part?*", break_off)
    it.go("/buckets/patient-files/objects")
    page.set_input_files("[name=file]", file)
    page.locator(".state:has-text('Trying again')").wait_for(timeout=30_000)
    uploads = own.list_multipart_uploads(Bucket="patient-files")["Uploads"]
    assert [it["Key"] for it in uploads] == ["film.bin"]
    page.wait_for_function("() => true")
    # The browser is closed; another one takes the same file.
    cookies = it.context.cookies()
    it.context.close()
    other = visit()
    other.context.add_cookies(cookies)
    again = []
    other.page.on("request", lambda it: "/uploads/part?" in it.url and again.append(it.url))
    other.go("/buckets/patient-files/uploads")
    assert "film.bin" in other.page.inner_text("main")
    other.page.click("text=Go on in its folder")
    with other.page.expect_navigation(timeout=60_000):
        other.page.set_input_files("[name=file]", file)
    assert own.get_object(Bucket="patient-files", Key="film.bin")["Body"].read() == data
    numbers = sorted(int(re.search(r"number=(\d+)", url).group(1)) for url in again)
    assert numbers == [3, 4, 5, 6], "what was there was not sent again"
    assert "Uploads" not in own.list_multipart_uploads(Bucket="patient-files")

    # Another file of that name does not go on with its parts.
    own.create_multipart_upload(Bucket="patient-files", Key="film.bin", ChecksumAlgorithm="SHA256")
    file.write_bytes(data[::-1])
    with other.page.expect_navigation(timeout=60_000):
        other.page.set_input_files("[name=file]", file)
    assert own.get_object(Bucket="patient-files", Key="film.bin")["Body"].read() == data[::-1]
    other.go("/buckets/patient-files/uploads")
    other.page.once("dialog", lambda dialog: dialog.accept())
    with other.page.expect_navigation():
        other.page.click("td button.danger")
    assert "No upload of this bucket" in other.page.inner_text("main")
    assert not other.faults


def test_parts_of_two_files_never_become_one(site, visit):
    it, own = entered(site, visit, "twofold")
    own.create_bucket(Bucket="twofold-files")
    raw, size = Raw(it), 5 << 20
    first, second, third, other = (bytes([letter]) * size for letter in b"abcx")
    said = {"bucket": "twofold-files", "key": "disk.img"}

    def digest(data):
        return base64.b64encode(hashlib.sha256(data).digest()).decode()

    def begin():
        return json.loads(raw.form("/uploads/begin", **said, type="")[2])["id"]

    def part(upload, number, data):
        query = urllib.parse.urlencode({**said, "upload": upload, "number": number})
        headers = {"x-form-token": raw.token, "x-part-sha256": digest(data)}
        assert raw.ask("POST", f"/uploads/part?{query}", data, headers)[0] == 200

    def finish(upload, *parts):
        whole = digest(b"".join(hashlib.sha256(it).digest() for it in parts))
        fields = {**said, "upload": upload, "size": size * len(parts), "sum": whole}
        status, _, body = raw.form("/uploads/finish", **fields)
        return status, body.decode()

    upload = begin()
    part(upload, 1, first)
    part(upload, 2, second)
    # Another window goes on with the same upload, and its file begins in the same way.
    part(upload, 2, other)
    status, told = finish(upload, first, second)
    assert status == 400 and "another file" in told, told
    assert "Contents" not in own.list_objects_v2(Bucket="twofold-files")
    part(upload, 2, second)
    assert finish(upload, first, second) == (200, "{}")
    assert finish(upload, first, second) == (200, "{}"), "whoever has not heard of it may ask again"
    assert finish(upload, first, other)[0] == 404
    assert own.get_object(Bucket="twofold-files", Key="disk.img")["Body"].read() == first + second
    # A shorter file that begins like one that was begun before: what is behind its end is left out.
    upload = begin()
    for number, data in enumerate((first, third, other), 1):
        part(upload, number, data)
    assert finish(upload, first, third) == (200, "{}")
    assert own.get_object(Bucket="twofold-files", Key="disk.img")["Body"].read() == first + third
    assert "Uploads" not in own.list_multipart_uploads(Bucket="twofold-files")


def test_a_bucket_is_emptied_by_its_name(site, visit):
    it, own = entered(site, visit, "cleaner")
    own.create_bucket(Bucket="cleaner-files")
    for key in ("a", "b/c", "b/d\r"):
        own.put_object(Bucket="cleaner-files", Key=key, Body=b"x")
    it.go("/buckets/cleaner-files/objects")
    it.page.click("a:has-text('Delete everything')")
    it.fill(bucket="another")
    it.send()
    assert "has to be typed" in it.page.inner_text("[role=alert]")
    it.faults.clear()
    assert len(own.list_objects_v2(Bucket="cleaner-files")["Contents"]) == 3
    it.go("/buckets/cleaner-files/delete-folder?all=1")
    it.fill(bucket="cleaner-files")
    it.send()
    assert "is empty now" in it.page.inner_text("[role=status]")
    assert "aws s3 rm --recursive s3://cleaner-files/" in it.page.text_content("main")
    assert "Contents" not in own.list_objects_v2(Bucket="cleaner-files") and not it.faults


def test_an_upload_is_cancelled_and_leaves_nothing(site, visit, tmp_path):
    it, own = entered(site, visit, "hasty")
    own.create_bucket(Bucket="hasty-files")
    file = tmp_path / "film.bin"
    file.write_bytes(pattern(3 * PART))
    # Parts that are not answered.
    it.context.route("**/uploads/part?*", lambda route: None)
    it.go("/buckets/hasty-files/objects")
    it.page.set_input_files("[name=file]", file)
    with it.page.expect_request("**/uploads/part?*"):
        pass
    it.page.click(".uploads button")
    it.page.locator(".state:has-text('Cancelled')").wait_for()
    clouds.wait_until(
        lambda: "Uploads" not in own.list_multipart_uploads(Bucket="hasty-files"), "the upload is gone"
    )


def test_who_may_read_is_changed_and_heeded(site, visit):
    it, own = entered(site, visit, "giver")
    other, first = site.add("taker")
    taker = s3(other)
    own.create_bucket(Bucket="giver-files")
    own.put_object(Bucket="giver-files", Key="a/letter", Body=b"dear")
    with pytest.raises(botocore.exceptions.ClientError):
        taker.get_object(Bucket="giver-files", Key="a/letter")
    it.go("/buckets/giver-files/access?key=a%2Fletter")
    it.page.check("#acl-public-read")
    it.send()
    assert "were changed" in it.page.inner_text("[role=status]")
    assert "AllUsers" in it.page.inner_text("table")
    assert taker.get_object(Bucket="giver-files", Key="a/letter")["Body"].read() == b"dear"
    # The bucket's own list: who sees what is in it.
    guest = visit()
    guest.enter("taker", first)
    guest.go("/buckets/giver-files/objects")
    assert "Access" in guest.page.inner_text("[role=alert]")
    it.go("/buckets/giver-files/access")
    it.page.check("#acl-public-read")
    it.send()
    guest.go("/buckets")
    guest.fill(open="giver-files")
    with guest.page.expect_navigation():
        guest.page.click("form:has([name=open]) button")
    assert guest.page.locator("a.folder").all_inner_texts() == ["a/"]
    guest.page.click("a.folder")
    guest.page.click("a.object")
    with guest.page.expect_download() as download:
        guest.page.click("a.button")
    assert pathlib.Path(download.value.path()).read_bytes() == b"dear"
    assert not it.faults


def test_without_a_script_one_file_is_uploaded_by_a_form(site, visit, tmp_path):
    it, own = entered(site, visit, "scriptless", script=False, width=360)
    own.create_bucket(Bucket="scriptless-files")
    file = tmp_path / "brief.txt"
    file.write_bytes(pattern(3 << 20))
    it.go("/buckets/scriptless-files/objects?prefix=post%2F")
    it.page.set_input_files("[name=file]", file)
    with it.page.expect_navigation():
        it.page.click(".uploader button")
    assert it.page.url.endswith("/buckets/scriptless-files/objects?prefix=post%2F")
    assert own.get_object(Bucket="scriptless-files", Key="post/brief.txt")["Body"].read() == file.read_bytes()
    it.page.click("a.object")
    assert it.page.inner_text("h1") == "brief.txt"


def peak(cloud, name):
    """The most memory that a service has ever held, in bytes."""
    pid = cloud.processes[name].pid
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", text).group(1)) << 10


def test_large_bodies_pass_through_a_small_memory_and_html_is_never_shown(site, visit):
    it, own = entered(site, visit, "heavy")
    own.create_bucket(Bucket="heavy-files")
    raw, size = Raw(it), 300 << 20
    raw.ask("GET", "/buckets")
    before = peak(site.cloud, "clc")
    block = pattern(1 << 20)

    def whole():
        for _ in range(size >> 20):
            yield block

    headers = {"content-length": str(size), "content-type": "text/html", "x-form-token": raw.token}
    status, _, body = raw.ask("POST", "/uploads/whole?bucket=heavy-files&key=page.html", whole(), headers)
    assert (status, body) == (200, b"{}")
    connection, answer = raw.open("GET", "/buckets/heavy-files/download?key=page.html")
    seen, digest = 0, hashlib.sha256()
    while piece := answer.read(1 << 20):
        digest.update(piece)
        seen += len(piece)
    connection.close()
    assert seen == size and digest.digest() == hashlib.sha256(block * (size >> 20)).digest()
    grown = peak(site.cloud, "clc") - before
    assert grown < 48 << 20, f"{grown >> 20} MiB more for {size >> 20} MiB of bytes"
    # Whatever it is, it is kept and not shown.
    assert own.head_object(Bucket="heavy-files", Key="page.html")["ContentType"] == "text/html"
    told = {k.lower(): v for k, v in answer.getheaders()}
    assert told["content-type"] == "application/octet-stream"
    assert told["content-disposition"].startswith("attachment; filename*=UTF-8''page.html")
    policies = [v for k, v in answer.getheaders() if k.lower() == "content-security-policy"]
    assert "sandbox" in policies and told["x-content-type-options"] == "nosniff"
    # A part of it, and nothing if it is known.
    path, etag = "/buckets/heavy-files/download?key=page.html", told["etag"]
    status, told, body = raw.ask("GET", path, headers={"range": "bytes=8-15"})
    assert (status, body, told["content-range"]) == (206, block[8:16], f"bytes 8-15/{size}")
    status, _, body = raw.ask("GET", path, headers={"if-none-match": etag})
    assert (status, body) == (304, b"")


def test_bytes_that_are_not_asked_for_here_are_refused(site, visit):
    it, own = entered(site, visit, "guarded")
    foreign, _ = site.add("stranger")
    s3(foreign).create_bucket(Bucket="stranger-files")
    own.create_bucket(Bucket="guarded-files")
    raw = Raw(it)
    path, good = "/uploads/whole?bucket=guarded-files&key=x", {"x-form-token": raw.token}
    for headers in (
        {}, {"x-form-token": "x"}, {**good, "sec-fetch-site": "cross-site"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "multipart/form-data; boundary=B"},
    ):
        assert raw.ask("POST", path, b"--B\r\n\r\n--B--\r\n", headers)[0] in (400, 403), headers
    assert "Contents" not in own.list_objects_v2(Bucket="guarded-files")
    assert raw.ask("POST", path, b"yes", good)[0] == 200
    status, _, body = raw.ask("POST", path.replace("guarded-files", "stranger-files"), b"no", good)
    assert status == 403 and b'"code":"AccessDenied"' in body
    for page in ("objects", "access", "uploads", "download?key=x", "object?key=x"):
        assert raw.ask("GET", f"/buckets/stranger-files/{page}")[0] == 403, page
    assert raw.ask("GET", "/buckets/no-such-bucket-here/objects")[0] == 404
    assert raw.ask("GET", "/buckets/a%2Fb/objects")[0] == 400
    # An object without a name is none, and never the bucket.
    assert raw.ask("POST", "/uploads/whole?bucket=never-made&key=", b"", good)[0] == 400
    assert [it["Name"] for it in own.list_buckets()["Buckets"]] == ["guarded-files"]
    # What the digest does not fit is not kept.
    status, _, body = raw.ask("POST", path.replace("key=x", "key=y"), b"no", {**good, "x-part-sha256": "A" * 43 + "="})
    assert status == 400 and b'"again":true' in body


NAMES = [
    "<script>alert(1)</script>", "line\nbreak", "..", "../up", "/leading", "a//b", "100%", "%2e%2e", "a+b & c",
    "日本語.txt", "quote\"'s", "tab\there", "?query#part", "emoji 🌿", "trailing ", "\u202ertl",
]


def test_whatever_an_object_is_called_it_is_shown_as_text_and_found(site, visit):
    it, own = entered(site, visit, "namer")
    own.create_bucket(Bucket="namer-files")
    raw = Raw(it)
    for name in NAMES:
        quoted = urllib.parse.quote(name, safe="")
        status, _, body = raw.ask(
            "POST", f"/uploads/whole?bucket=namer-files&key={quoted}", name.encode(), {"x-form-token": raw.token}
        )
        assert status == 200, (name, body)
        status, told, body = raw.ask("GET", f"/buckets/namer-files/download?key={quoted}")
        assert (status, body) == (200, name.encode()), name
        assert "\n" not in told["content-disposition"]
        status, _, body = raw.ask("GET", f"/buckets/namer-files/object?key={quoted}")
        assert status == 200 and b"<script>" not in body, name
    listed = {it["Key"] for it in own.list_objects_v2(Bucket="namer-files")["Contents"]}
    assert listed == set(NAMES)
    it.go("/buckets/namer-files/objects")
    assert it.page.locator("a.folder").count() == 4
    assert it.page.locator("a.object").count() == len(NAMES) - 4
    it.page.click("a.folder:has-text('<script>')")
    it.page.click("a.object")
    assert it.page.inner_text("h1") == "script>" and not it.faults
    assert it.page.inner_text("code.key >> nth=0") == NAMES[0]
    # A browser makes two characters of the end of a line: the one is deleted, and not the other.
    own.put_object(Bucket="namer-files", Key="line\r\nbreak", Body=b"another's")
    it.go("/buckets/namer-files/objects")
    it.page.check("[name=name][value='line%0Abreak']")
    it.page.once("dialog", lambda dialog: dialog.accept())
    with it.page.expect_navigation():
        it.page.locator("form[action$='/delete-objects'] button.danger").click()
    listed = {it["Key"] for it in own.list_objects_v2(Bucket="namer-files")["Contents"]}
    assert listed == {*NAMES, "line\r\nbreak"} - {"line\nbreak"}
    for name in [*listed]:
        folder, name = in_field(name[: name.rfind("/") + 1]), in_field(name[name.rfind("/") + 1:])
        status, _, _ = raw.form("/buckets/namer-files/delete-objects", prefix=folder, name=name)
        assert status == 303, name
    assert "Contents" not in own.list_objects_v2(Bucket="namer-files")


@pytest.fixture(scope="module")
def archive(site, chromium):
    """A user with buckets and objects, signed in once."""
    from conftest import Visitor

    user, first = site.add("archivist")
    it = Visitor(chromium, site)
    it.enter("archivist", first)
    cookies = it.context.cookies()
    it.context.close()
    own = s3(user)
    for name in ("archive-of-photographs", "backups", "web.example.org"):
        own.create_bucket(Bucket=name)
    for number in range(105):
        own.put_object(Bucket="archive-of-photographs", Key=f"2026/11/{number:03}-photograph.jpg", Body=b"x" * number * 100)
    for name in ("2025/old.txt", "Jahresbericht <script>alert(1)</script>.html", "日本語の長い名前のファイル" * 4 + ".txt", "read me.txt"):
        own.put_object(Bucket="archive-of-photographs", Key=name, Body=b"hello", Metadata={"author": "hanako"})
    own.create_multipart_upload(Bucket="archive-of-photographs", Key="2026/film.mp4")
    return cookies


PAGES = {
    "buckets": "/buckets",
    "bucket-new": "/buckets/new",
    "bucket": "/buckets/archive-of-photographs/objects",
    "bucket-empty": "/buckets/backups/objects",
    "folder": "/buckets/archive-of-photographs/objects?prefix=2026%2F11%2F",
    "folder-delete": "/buckets/archive-of-photographs/delete-folder?prefix=2026%2F",
    "object": "/buckets/archive-of-photographs/object?key=read%20me.txt",
    "bucket-access": "/buckets/archive-of-photographs/access",
    "uploads": "/buckets/archive-of-photographs/uploads",
}


@pytest.mark.parametrize("language, width, scheme", LOOKS)
def test_the_looks_of_storage(archive, visit, language, width, scheme):
    visitor = visit(language=language, width=width, scheme=scheme)
    visitor.context.add_cookies(archive)
    for name, path in PAGES.items():
        looked_at(visitor, name, path)
    visitor.go(PAGES["object"])
    visitor.page.click("form[action$='/share'] button")
    assert visitor.page.input_value("textarea.link").startswith("http")
