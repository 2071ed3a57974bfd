"""boto3 and awscli: bodies in chunks with checksums behind them, conditions, other answers."""

import base64
import datetime
import hashlib
import io
import os
import pathlib
import subprocess
import sys
import zlib

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import cloud as clouds

CA = str(clouds.TLS / "ca.pem")


def client(url, user, **config):
    return boto3.client(
        "s3", region_name="eucalyptus", endpoint_url=url, verify=CA,
        aws_access_key_id=user["AWS_ACCESS_KEY_ID"], aws_secret_access_key=user["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}, **config),
    )


def refused(code, call, **kwargs):
    with pytest.raises(ClientError) as told:
        call(**kwargs)
    assert told.value.response["Error"]["Code"] == code, told.value
    return told.value.response


@pytest.fixture(scope="module", params=["http", "https"])
def s3(request, https, https_user):
    port = https.ports["walrus_tls" if request.param == "https" else "walrus"]
    s3 = client(f"{request.param}://127.0.0.1:{port}", https_user)
    bucket = f"bodies-{request.param}"
    s3.create_bucket(Bucket=bucket)
    return s3, bucket


@pytest.mark.parametrize("size", [0, 5, 1 << 20, 3_000_001])
def test_a_checksum_follows_the_body_over_https(https, https_user, size):
    s3 = client(https.s3_root, https_user)
    sent = []
    s3.meta.events.register("before-send.s3.PutObject", lambda request, **_: sent.append(request.headers))
    bucket = f"behind-{size}"
    s3.create_bucket(Bucket=bucket)
    body = os.urandom(size)
    put = s3.put_object(Bucket=bucket, Key="k", Body=io.BytesIO(body), ContentEncoding="gzip")
    head = {name.lower(): value for name, value in sent[0].items()}
    text = {name: value.decode() if isinstance(value, bytes) else value for name, value in head.items()}
    assert text["x-amz-content-sha256"] == "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    assert text["transfer-encoding"] == "chunked" and "content-length" not in text
    crc = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    assert (put["ChecksumCRC32"], put["ChecksumType"]) == (crc, "FULL_OBJECT")
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["ChecksumCRC32"] == crc
    assert got["Body"].read() == body
    assert got["ContentEncoding"] == "gzip"


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_each_algorithm(s3, algorithm):
    s3, bucket = s3
    body = b"hello" * 10_000
    put = s3.put_object(Bucket=bucket, Key="k", Body=body, ChecksumAlgorithm=algorithm)
    assert put[f"Checksum{algorithm}"]
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"]
    wrong = {f"Checksum{algorithm}": base64.b64encode(b"\0" * {"CRC32": 4, "SHA1": 20, "SHA256": 32}[algorithm]).decode()}
    refused("BadDigest", s3.put_object, Bucket=bucket, Key="k", Body=b"other", **wrong)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body


def test_conditions(s3):
    s3, bucket = s3
    etag = s3.put_object(Bucket=bucket, Key="c", Body=b"one")["ETag"]
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    assert s3.get_object(Bucket=bucket, Key="c", IfMatch=etag)["Body"].read() == b"one"
    assert refused("304", s3.get_object, Bucket=bucket, Key="c", IfNoneMatch=etag)
    assert refused("304", s3.head_object, Bucket=bucket, Key="c", IfModifiedSince=later)
    told = refused("PreconditionFailed", s3.get_object, Bucket=bucket, Key="c", IfMatch='"other"')
    assert told["Error"]["Condition"] == "If-Match"
    refused("PreconditionFailed", s3.put_object, Bucket=bucket, Key="c", Body=b"two", IfNoneMatch="*")
    refused("PreconditionFailed", s3.put_object, Bucket=bucket, Key="c", Body=b"two", IfMatch='"other"')
    s3.put_object(Bucket=bucket, Key="c", Body=b"two", IfMatch=etag)
    refused("PreconditionFailed", s3.delete_object, Bucket=bucket, Key="c", IfMatch=etag)
    assert s3.get_object(Bucket=bucket, Key="c", VersionId="null")["Body"].read() == b"two"
    refused("NoSuchVersion", s3.get_object, Bucket=bucket, Key="c", VersionId="3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrH")
    s3.delete_object(Bucket=bucket, Key="c", VersionId="null")
    refused("NoSuchKey", s3.get_object, Bucket=bucket, Key="c")


def test_answers_wanted_otherwise(s3):
    s3, bucket = s3
    s3.put_object(Bucket=bucket, Key="o", Body=b"x", ContentType="text/plain", Expires=datetime.datetime(2030, 1, 1))
    got = s3.get_object(
        Bucket=bucket, Key="o", ResponseContentType="text/odd", ResponseContentDisposition='attachment; filename="a b"',
        ResponseCacheControl="no-cache",
    )
    assert (got["ContentType"], got["ContentDisposition"]) == ("text/odd", 'attachment; filename="a b"')
    assert got["CacheControl"] == "no-cache"


def test_awscli_over_https(https, https_user, tmp_path):
    aws = pathlib.Path(sys.executable).with_name("aws")
    body = os.urandom(20 << 20)
    (tmp_path / "body").write_bytes(body)
    environment = {
        **os.environ, "AWS_ACCESS_KEY_ID": https_user["AWS_ACCESS_KEY_ID"],
        "AWS_SECRET_ACCESS_KEY": https_user["AWS_SECRET_ACCESS_KEY"], "AWS_DEFAULT_REGION": "eucalyptus",
        "AWS_CA_BUNDLE": CA, "HOME": str(tmp_path),
    }

    def run(*words):
        subprocess.run([aws, "--endpoint-url", https.s3_root, *words], env=environment, check=True, cwd=tmp_path)

    run("s3api", "create-bucket", "--bucket", "cli-bodies")
    run("s3api", "put-object", "--bucket", "cli-bodies", "--key", "k", "--body", "body")
    # Several ranges at once, each on condition that the object is the same.
    run("s3", "cp", "s3://cli-bodies/k", "back")
    assert hashlib.sha256((tmp_path / "back").read_bytes()).digest() == hashlib.sha256(body).digest()
