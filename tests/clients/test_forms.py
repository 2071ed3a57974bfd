"""Forms that a client signs and a browser sends: what boto3 and boto 2 make, what euca2ools sends."""

import base64
import datetime
import hashlib
import hmac
import json
import socket
import types

import boto.s3.connection
import boto3
import pytest
import requests
from botocore.config import Config

WALRUS = "/services/Walrus"


@pytest.fixture(autouse=True)
def names_lead_here(monkeypatch):
    """Every name below localhost is this machine, whatever the resolver thinks of it."""
    real = socket.getaddrinfo

    def getaddrinfo(host, *args, **kwargs):
        return real("127.0.0.1" if str(host).endswith(".localhost") else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def client(credentials, url, version="s3v4", style="path"):
    return boto3.client(
        "s3", region_name="eucalyptus", endpoint_url=url,
        aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"max_attempts": 1}, signature_version=version, s3={"addressing_style": style}),
    )


def send(form, file, name="photo of é.jpg", **more):
    return requests.post(
        form["url"], data={**form["fields"], **more}, files={"file": (name, file)}, allow_redirects=False
    )


@pytest.mark.parametrize("path", ["", WALRUS])
@pytest.mark.parametrize("version", ["s3v4", "s3"])
@pytest.mark.parametrize("style", ["path", "virtual"])
def test_boto3_makes_forms(cloud, user, version, path, style):
    host = "s3.localhost" if style == "virtual" else "127.0.0.1"
    s3 = client(user, f"http://{host}:{cloud.ports['walrus']}{path}", version, style)
    bucket = f"forms-{version}-{style}-{'prefix' if path else 'root'}"
    s3.create_bucket(Bucket=bucket)
    form = s3.generate_presigned_post(
        bucket, "up/${filename}",
        Fields={"acl": "public-read", "Content-Type": "image/jpeg", "x-amz-meta-note": "a b"},
        Conditions=[
            {"acl": "public-read"}, ["starts-with", "$Content-Type", "image/"],
            {"x-amz-meta-note": "a b"}, ["content-length-range", 1, 2_000_000],
        ],
    )
    file = bytes(range(256)) * 4096
    sent = send(form, file)
    assert sent.status_code == 204, sent.text
    found = s3.get_object(Bucket=bucket, Key="up/photo of é.jpg")
    assert found["Body"].read() == file
    assert (found["ContentType"], found["Metadata"], found["ETag"]) == (
        "image/jpeg", {"note": "a b"}, sent.headers["ETag"])
    assert requests.get(sent.headers["Location"]).content == file
    for file, more, code in [
        (b"", {}, "EntityTooSmall"),
        (bytes(2_100_000), {}, "EntityTooLarge"),
        (b"x", {"acl": "private"}, "AccessDenied"),
        (b"x", {"key": "elsewhere"}, "AccessDenied"),
        (b"x", {"x-amz-meta-more": "1"}, "AccessDenied"),
    ]:
        refused = send(form, file, **more)
        assert refused.status_code in (400, 403) and f"<Code>{code}</Code>" in refused.text, refused.text
    expired = s3.generate_presigned_post(bucket, "late", ExpiresIn=-1)
    refused = send(expired, b"x")
    assert refused.status_code == 403 and "Policy expired" in refused.text, refused.text
    led = s3.generate_presigned_post(
        bucket, "led", Fields={"success_action_redirect": "http://127.0.0.1/page"},
        Conditions=[{"success_action_redirect": "http://127.0.0.1/page"}],
    )
    sent = send(led, b"x")
    assert sent.status_code == 303
    assert sent.headers["Location"].startswith(f"http://127.0.0.1/page?bucket={bucket}&key=led&etag=%22")
    assert [each["Key"] for each in s3.list_objects(Bucket=bucket)["Contents"]] == ["led", "up/photo of é.jpg"]


def test_boto_makes_forms(cloud, user, monkeypatch):
    # It was written for Python 2, where a text is its bytes.
    as_then = types.SimpleNamespace(b64encode=lambda text: base64.b64encode(text.encode()).decode())
    monkeypatch.setattr(boto.s3.connection, "base64", as_then)
    s3 = boto.s3.connection.S3Connection(
        user["EC2_ACCESS_KEY"], user["EC2_SECRET_KEY"], host="s3.localhost", port=cloud.ports["walrus"],
        is_secure=False, calling_format=boto.s3.connection.SubdomainCallingFormat(),
    )
    bucket = s3.create_bucket("boto2-forms")
    made = s3.build_post_form_args(
        "boto2-forms", "in/${filename}", acl="private", max_content_length=10, http_method="http",
        fields=[{"name": "success_action_status", "value": "201"}],
        conditions=['{"success_action_status": "201"}'],
    )
    form = {
        "url": f"http://boto2-forms.s3.localhost:{cloud.ports['walrus']}/",
        "fields": {field["name"]: field["value"] for field in made["fields"]},
    }
    sent = send(form, b"by boto", "a.txt")
    assert sent.status_code == 201 and "<Key>in/a.txt</Key>" in sent.text, sent.text
    assert bucket.get_key("in/a.txt").get_contents_as_string() == b"by boto"
    refused = send(form, b"more than ten")
    assert refused.status_code == 400 and "<Code>EntityTooLarge</Code>" in refused.text, refused.text
    form["fields"]["signature"] = "c2ln"
    refused = send(form, b"x")
    assert refused.status_code == 403 and "<Code>SignatureDoesNotMatch</Code>" in refused.text, refused.text


@pytest.mark.parametrize("zone", ["", "Z", ".000Z"])
def test_a_bundle_comes_by_a_policy(cloud, user, zone):
    """As euca2ools 3.4 sends parts with --upload-policy: the fields in no order, names capitalised."""
    s3 = client(user, f"http://127.0.0.1:{cloud.ports['walrus']}")
    bucket = f"by-policy{zone.lower()}"
    s3.create_bucket(Bucket=bucket)
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=24)
    document = {
        "expiration": until.strftime("%Y-%m-%dT%H:%M:%S") + zone,
        "conditions": [{"acl": "ec2-bundle-read"}, {"bucket": bucket}, ["starts-with", "$key", "image"]],
    }
    policy = base64.b64encode(json.dumps(document).encode())
    secret = user["EC2_SECRET_KEY"].encode()
    fields = {
        "Policy": policy, "AWSAccessKeyId": user["EC2_ACCESS_KEY"], "key": "image.part.0",
        "Signature": base64.b64encode(hmac.new(secret, policy, hashlib.sha1).digest()), "acl": "ec2-bundle-read",
    }
    url = f"http://127.0.0.1:{cloud.ports['walrus']}{WALRUS}/{bucket}"
    sent = requests.post(url, data=fields, files={"file": b"part"})
    assert sent.status_code == 204, sent.text
    assert s3.get_object(Bucket=bucket, Key="image.part.0")["Body"].read() == b"part"
    for name, value in [("key", "other.part.0"), ("acl", "public-read")]:
        refused = requests.post(url, data={**fields, name: value}, files={"file": b"part"})
        assert refused.status_code == 403 and "Invalid according to Policy" in refused.text, refused.text
    unsigned = requests.post(url, data={"key": "image.part.1"}, files={"file": b"part"})
    assert unsigned.status_code == 403 and "<Code>AccessDenied</Code>" in unsigned.text, unsigned.text
