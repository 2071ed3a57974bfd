"""URLs that a client presigns and somebody without keys uses; buckets as host names."""

import socket
import urllib.parse
import urllib.request

import boto.s3.connection
import boto3
import pytest
import requests
from botocore.config import Config

import cloud as clouds

KEY = "dir/a b+c&d%é.txt"


@pytest.fixture(autouse=True)
def names_lead_here(monkeypatch):
    """Every name below localhost is this machine, whatever the resolver thinks of it."""
    real = socket.getaddrinfo

    def getaddrinfo(host, *args, **kwargs):
        return real("127.0.0.1" if str(host).endswith(".localhost") else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def client(credentials, url, version="s3v4", style="path", **more):
    return boto3.client(
        "s3", region_name="eucalyptus", endpoint_url=url,
        aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"max_attempts": 1}, signature_version=version, s3={"addressing_style": style}),
        **more,
    )


@pytest.mark.parametrize("path", ["", "/services/Walrus"])
@pytest.mark.parametrize("version", ["s3v4", "s3"])
@pytest.mark.parametrize("style", ["path", "virtual"])
def test_boto3_hands_urls_on(cloud, user, version, path, style):
    host = "s3.localhost" if style == "virtual" else "127.0.0.1"
    s3 = client(user, f"http://{host}:{cloud.ports['walrus']}{path}", version, style)
    bucket = f"presigned-{version}-{style}-{'prefix' if path else 'root'}"
    s3.create_bucket(Bucket=bucket)
    url = lambda what, **more: s3.generate_presigned_url(what, Params=dict(Bucket=bucket, Key=KEY, **more))
    for body in (b"hello", b"hello again"):
        assert requests.put(url("put_object"), data=body).status_code == 200
        assert requests.get(url("get_object")).content == body
    # urllib adds a Content-Type that nobody signed.
    put = urllib.request.Request(url("put_object"), data=b"by urllib", method="PUT")
    assert urllib.request.urlopen(put).status == 200
    assert urllib.request.urlopen(url("get_object")).read() == b"by urllib"
    headers = {"Content-Type": "text/x", "x-amz-acl": "public-read", "x-amz-meta-note": "a b"}
    signed = url("put_object", ContentType="text/x", ACL="public-read", Metadata={"note": "a b"})
    assert requests.put(signed, data=b"typed", headers=headers).status_code == 200
    head = s3.head_object(Bucket=bucket, Key=KEY)
    assert (head["ContentType"], head["Metadata"]) == ("text/x", {"note": "a b"})
    assert requests.put(url("put_object"), data=b"x", headers={"x-amz-acl": "public-read"}).status_code == 403
    assert requests.head(url("head_object")).headers["Content-Length"] == "5"
    assert requests.get(url("get_object"), headers={"Range": "bytes=1-2"}).content == b"yp"
    listed = requests.get(s3.generate_presigned_url("list_objects", Params={"Bucket": bucket, "Prefix": "dir/"}))
    assert f"<Key>{urllib.parse.quote(KEY)}</Key>" in listed.text, listed.text
    wrong = requests.delete(url("get_object"))
    assert wrong.status_code == 403 and "<Code>SignatureDoesNotMatch</Code>" in wrong.text
    assert requests.delete(url("delete_object")).status_code == 204
    assert requests.get(url("get_object")).status_code == 404
    expired = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": KEY}, ExpiresIn=0)
    refused = requests.get(expired)
    assert refused.status_code == 403 and "Request has expired" in refused.text, refused.text
    s3.delete_bucket(Bucket=bucket)


def test_boto_hands_urls_on(cloud, user):
    s3 = boto.s3.connection.S3Connection(
        user["AWS_ACCESS_KEY_ID"], user["AWS_SECRET_ACCESS_KEY"], is_secure=False, host="127.0.0.1",
        port=cloud.ports["walrus"], path="/services/Walrus",
        calling_format=boto.s3.connection.OrdinaryCallingFormat(),
    )
    s3.create_bucket("boto-presigned")
    url = lambda method, **more: s3.generate_url(60, method, "boto-presigned", KEY, **more)
    assert requests.put(url("PUT"), data=b"hello").status_code == 200
    put = urllib.request.Request(url("PUT"), data=b"by urllib", method="PUT")
    assert urllib.request.urlopen(put).status == 200
    assert urllib.request.urlopen(url("GET")).read() == b"by urllib"
    # boto puts such headers into the URL; they need not be sent again.
    public = url("PUT", headers={"x-amz-acl": "public-read", "x-amz-meta-note": "kept"})
    assert requests.put(public, data=b"public").status_code == 200
    got = requests.get(public.split("?")[0])
    assert (got.content, got.headers["x-amz-meta-note"]) == (b"public", "kept")
    assert requests.delete(url("DELETE")).status_code == 204
    s3.delete_bucket("boto-presigned")


def test_aws_s3_presign(cloud, user):
    s3 = client(user, user["S3_URL"])
    s3.create_bucket(Bucket="cli-presigned")
    s3.put_object(Bucket="cli-presigned", Key=KEY, Body=b"by aws")
    url = clouds.aws(user, "s3", "presign", f"s3://cli-presigned/{KEY}", "--expires-in", "60").strip()
    assert requests.get(url).content == b"by aws"


def test_a_query_may_be_signed_in_its_url(cloud, user):
    for service, action, url in (
        ("ec2", "describe_regions", user["EC2_URL"]),
        ("sts", "get_caller_identity", user["AWS_ENDPOINT_URL_STS"]),
    ):
        asked = boto3.client(
            service, region_name="eucalyptus", endpoint_url=url,
            aws_access_key_id=user["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=user["AWS_SECRET_ACCESS_KEY"],
        )
        url = asked.generate_presigned_url(action, ExpiresIn=60, HttpMethod="GET")
        answer = requests.get(url)
        assert answer.status_code == 200, answer.text
        for _ in range(2):
            # Reads may be repeated.
            assert requests.get(url).status_code == 200
        assert requests.get(url.replace("Version=", "Version=1")).status_code == 403


def test_a_bucket_as_host_name(cloud, user):
    for path in ("", "/services/Walrus"):
        for version in ("s3v4", "s3"):
            s3 = client(user, f"http://s3.localhost:{cloud.ports['walrus']}{path}", version, "virtual")
            s3.create_bucket(Bucket="as-host")
            s3.put_object(Bucket="as-host", Key=KEY, Body=b"hello")
            assert s3.get_object(Bucket="as-host", Key=KEY)["Body"].read() == b"hello"
            assert [o["Key"] for o in s3.list_objects(Bucket="as-host")["Contents"]] == [KEY]
            by_path = client(user, user["S3_URL"], version)
            assert by_path.get_object(Bucket="as-host", Key=KEY)["Body"].read() == b"hello"
            s3.delete_object(Bucket="as-host", Key=KEY)
            s3.delete_bucket(Bucket="as-host")


def test_a_session_token_is_refused_by_name(cloud, user):
    s3 = client(user, user["S3_URL"], aws_session_token="token")
    with pytest.raises(Exception) as told:
        s3.list_buckets()
    assert told.value.response["Error"]["Code"] == "InvalidToken"
    url = s3.generate_presigned_url("list_buckets")
    assert "<Code>InvalidToken</Code>" in requests.get(url).text
