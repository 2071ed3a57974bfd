"""The matrix's columns of S3: what each client writes, reads and removes in walrus."""

import hashlib
import random
import urllib.error
import urllib.request

import pytest

from matrix import cells

# A name that every client must encode, and nearly every one in a way of its own.
KEY = "a b/日本+é&(1)~.txt"
MIB = 1 << 20


def digest(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small"
    path.write_bytes(random.Random(1).randbytes(100_003))
    return path


@pytest.fixture
def large(tmp_path):
    """More than two parts of 5 MiB."""
    path = tmp_path / "large"
    path.write_bytes(random.Random(2).randbytes(11 * MIB + 17))
    return path


@pytest.fixture
def bucket(witness, row, request):
    """A bucket of the test's own; it must be possible to remove it afterwards."""
    operation = request.node.get_closest_marker("cell").args[0]
    name = f"{row.name}-{operation}".replace(" ", "-")
    witness.s3.create_bucket(Bucket=name)
    yield name
    for found in witness.s3.list_objects_v2(Bucket=name).get("Contents", []):
        witness.s3.delete_object(Bucket=name, Key=found["Key"])
    assert not witness.s3.list_multipart_uploads(Bucket=name).get("Uploads"), "an upload was left open"
    witness.s3.delete_bucket(Bucket=name)


def put(witness, bucket, key, path):
    witness.s3.put_object(Bucket=bucket, Key=key, Body=path.read_bytes(), Metadata={"note": "kept"})


def read(witness, bucket, key):
    """An object as the witness sees it: its digest, and its metadata."""
    found = witness.s3.get_object(Bucket=bucket, Key=key)
    return digest(found["Body"].read()), found["Metadata"].get("note")


def keys(witness, bucket):
    return [found["Key"] for found in witness.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


@cells("buckets")
def test_buckets(row, witness):
    name = f"{row.name}-made".replace(" ", "-")
    assert name in row.client.buckets(name)
    assert name not in [bucket["Name"] for bucket in witness.s3.list_buckets()["Buckets"]]


@cells("put")
def test_put(row, witness, bucket, small):
    row.client.put(bucket, KEY, small)
    assert keys(witness, bucket) == [KEY]
    assert read(witness, bucket, KEY) == (digest(small.read_bytes()), "kept" if row.client.notes else None)


@cells("list")
def test_list(row, witness, bucket):
    names = [KEY, *(f"n{number:02}" for number in range(7))]
    for name in names:
        witness.s3.put_object(Bucket=bucket, Key=name, Body=b"x")
    assert sorted(row.client.list(bucket, 3)) == names


@cells("get")
def test_get(row, witness, bucket, small, tmp_path):
    put(witness, bucket, KEY, small)
    row.client.get(bucket, KEY, tmp_path / "back")
    assert digest((tmp_path / "back").read_bytes()) == digest(small.read_bytes())


@cells("range")
def test_range(row, witness, bucket, small, tmp_path):
    put(witness, bucket, KEY, small)
    data = small.read_bytes()
    first, last = 70_000, len(data) - 1 if row.client.to_the_end else 70_999
    got = row.client.range(bucket, KEY, first, last, tmp_path / "part")
    assert (len(got), digest(got)) == (last - first + 1, digest(data[first:last + 1]))


@cells("copy")
def test_copy(row, witness, bucket, small):
    put(witness, bucket, KEY, small)
    row.client.copy(bucket, KEY, "copies/" + KEY)
    assert keys(witness, bucket) == [KEY, "copies/" + KEY]
    assert read(witness, bucket, "copies/" + KEY) == (digest(small.read_bytes()), "kept")


@cells("delete")
def test_delete(row, witness, bucket, small):
    put(witness, bucket, KEY, small)
    put(witness, bucket, "stays", small)
    row.client.delete(bucket, KEY)
    assert keys(witness, bucket) == ["stays"]
    with pytest.raises(witness.s3.exceptions.NoSuchKey):
        witness.s3.get_object(Bucket=bucket, Key=KEY)


@cells("empty")
def test_empty(row, witness, bucket):
    for name in (KEY, "one", "two & three <4>", "five"):
        witness.s3.put_object(Bucket=bucket, Key=name, Body=b"x")
    row.client.empty(bucket)
    assert keys(witness, bucket) == []


@cells("multipart")
def test_multipart(row, witness, bucket, large):
    row.client.multipart(bucket, KEY, large)
    head = witness.s3.head_object(Bucket=bucket, Key=KEY)
    assert head["ETag"].endswith('-3"'), head["ETag"]
    assert read(witness, bucket, KEY)[0] == digest(large.read_bytes())
    part = witness.s3.get_object(Bucket=bucket, Key=KEY, PartNumber=3)
    assert (part["PartsCount"], part["ContentLength"]) == (3, MIB + 17)


@cells("acl")
def test_acl(row, witness, bucket, small):
    put(witness, bucket, "private", small)
    row.client.acl(bucket, "public", small)
    url = f"{witness.s3.meta.endpoint_url}/{bucket}/"
    assert digest(urllib.request.urlopen(url + "public").read()) == digest(small.read_bytes())
    with pytest.raises(urllib.error.HTTPError) as told:
        urllib.request.urlopen(url + "private")
    assert told.value.code == 403


@cells("presign")
def test_presign(row, witness, bucket, small):
    put(witness, bucket, KEY, small)
    url = row.client.presign(bucket, KEY)
    assert url.startswith(row.client.door.scheme + "://"), url
    got = urllib.request.urlopen(url, context=row.trust).read()
    assert digest(got) == digest(small.read_bytes())
    with pytest.raises(urllib.error.HTTPError) as told:
        urllib.request.urlopen(url.split("?")[0], context=row.trust)
    assert told.value.code == 403
