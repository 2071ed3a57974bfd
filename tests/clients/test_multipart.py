"""Objects in parts and copies, as each client makes them without being asked to."""

import hashlib
import os
import random
import signal
import sys
import threading

import boto3
import botocore.exceptions
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

import cloud as clouds
from test_boto2 import s3 as boto2_s3

MIB = 1 << 20


def client(cloud, credentials, **options):
    return boto3.client(
        "s3", endpoint_url=f"http://127.0.0.1:{cloud.ports['walrus']}", region_name="eucalyptus",
        aws_access_key_id=credentials["EC2_ACCESS_KEY"],
        aws_secret_access_key=credentials["EC2_SECRET_KEY"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, **options),
    )


def noise(seed, size):
    return random.Random(seed).randbytes(size)


@pytest.fixture
def large(tmp_path):
    """A file of more than two parts."""
    path = tmp_path / "large"
    path.write_bytes(noise(1, 18 * MIB + 12345))
    return path


def stored(cloud):
    """The files of objects that walrus keeps."""
    return [p for p in (cloud.dir / "walrus/objects/blobs").glob("*/*")]


def test_boto3_sends_large_files_in_parts(cloud, user, large):
    s3 = client(cloud, user)
    s3.create_bucket(Bucket="parts-boto3")
    config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB)
    s3.upload_file(str(large), "parts-boto3", "large", Config=config, ExtraArgs={"Metadata": {"a": "b"}})
    head = s3.head_object(Bucket="parts-boto3", Key="large", ChecksumMode="ENABLED")
    assert head["ETag"].endswith('-3"') and head["Metadata"] == {"a": "b"}
    assert head["ContentLength"] == large.stat().st_size
    assert head["ChecksumCRC32"].endswith("-3") and head["ChecksumType"] == "COMPOSITE"
    part = s3.get_object(Bucket="parts-boto3", Key="large", PartNumber=2)
    assert part["PartsCount"] == 3 and part["Body"].read() == large.read_bytes()[8 * MIB:16 * MIB]
    back = large.with_suffix(".back")
    s3.download_file("parts-boto3", "large", str(back), Config=config)
    assert back.read_bytes() == large.read_bytes()

    s3.copy({"Bucket": "parts-boto3", "Key": "large"}, "parts-boto3", "in parts", Config=config)
    s3.copy_object(CopySource="parts-boto3/large", Bucket="parts-boto3", Key="at once é+&?")
    for key in ("in parts", "at once é+&?"):
        assert s3.get_object(Bucket="parts-boto3", Key=key)["Body"].read() == large.read_bytes()
    for kind, algorithm in [("FULL_OBJECT", "CRC32"), ("COMPOSITE", "SHA256")]:
        upload = s3.create_multipart_upload(
            Bucket="parts-boto3", Key="sum", ChecksumAlgorithm=algorithm, ChecksumType=kind,
        )
        assert (upload["ChecksumAlgorithm"], upload["ChecksumType"]) == (algorithm, kind)
        parts = []
        for number in (1, 2):
            sent = s3.upload_part(
                Bucket="parts-boto3", Key="sum", UploadId=upload["UploadId"], PartNumber=number,
                Body=noise(number, 5 * MIB), ChecksumAlgorithm=algorithm,
            )
            name = f"Checksum{algorithm}"
            parts.append({"PartNumber": number, "ETag": sent["ETag"], name: sent[name]})
        done = s3.complete_multipart_upload(
            Bucket="parts-boto3", Key="sum", UploadId=upload["UploadId"],
            MultipartUpload={"Parts": parts}, MpuObjectSize=10 * MIB, IfNoneMatch="*",
        )
        assert done["ChecksumType"] == kind and name in done
        assert s3.get_object(Bucket="parts-boto3", Key="sum", ChecksumMode="ENABLED")["Body"].read()
        s3.delete_object(Bucket="parts-boto3", Key="sum")


def test_boto3_lists_and_gives_up(cloud, user):
    s3 = client(cloud, user)
    s3.create_bucket(Bucket="open-boto3")
    ids = [s3.create_multipart_upload(Bucket="open-boto3", Key=k)["UploadId"] for k in ("a", "b/1", "b/2")]
    for number in (2, 1, 3):
        s3.upload_part(Bucket="open-boto3", Key="a", UploadId=ids[0], PartNumber=number, Body=b"x" * number)
    pages = s3.get_paginator("list_parts").paginate(
        Bucket="open-boto3", Key="a", UploadId=ids[0], PaginationConfig={"PageSize": 2},
    )
    assert [(p["PartNumber"], p["Size"]) for page in pages for p in page["Parts"]] == [(1, 1), (2, 2), (3, 3)]
    pages = s3.get_paginator("list_multipart_uploads").paginate(
        Bucket="open-boto3", PaginationConfig={"PageSize": 1},
    )
    assert [u["UploadId"] for page in pages for u in page["Uploads"]] == ids
    listed = s3.list_multipart_uploads(Bucket="open-boto3", Delimiter="/")
    assert [p["Prefix"] for p in listed["CommonPrefixes"]] == ["b/"]
    s3.abort_multipart_upload(Bucket="open-boto3", Key="a", UploadId=ids[0])
    with pytest.raises(botocore.exceptions.ClientError) as told:
        s3.list_parts(Bucket="open-boto3", Key="a", UploadId=ids[0])
    assert told.value.response["Error"]["Code"] == "NoSuchUpload"
    s3.delete_bucket(Bucket="open-boto3")


def test_boto2_sends_parts_and_copies(cloud, user):
    bucket = boto2_s3(cloud, user).create_bucket("parts-boto2")
    upload = bucket.initiate_multipart_upload("whole thing", metadata={"note": "kept"})
    source = bucket.new_key("a b+c/日本")
    source.set_contents_from_string(noise(3, 5 * MIB))
    import io

    upload.upload_part_from_file(io.BytesIO(noise(4, 5 * MIB)), 1)
    upload.copy_part_from_key("parts-boto2", "a b+c/日本", 2)
    upload.copy_part_from_key("parts-boto2", "a b+c/日本", 3, 10, 19)
    assert [part.part_number for part in upload] == [1, 2, 3]
    assert [one.id for one in bucket.get_all_multipart_uploads()] == [upload.id]
    done = upload.complete_upload()
    assert done.key_name == "whole thing" and done.etag.endswith('-3"')
    key = bucket.get_key("whole thing")
    whole = noise(4, 5 * MIB) + noise(3, 5 * MIB) + noise(3, 5 * MIB)[10:20]
    assert key.get_contents_as_string() == whole and key.get_metadata("note") == "kept"
    copied = key.copy("parts-boto2", "copy é", metadata={"note": "new"}, preserve_acl=False)
    assert bucket.get_key(copied.name).get_metadata("note") == "new"
    assert bucket.get_key(copied.name).get_contents_as_string() == whole
    bucket.initiate_multipart_upload("given up").cancel_upload()
    assert bucket.get_all_multipart_uploads() == []


def tool(name):
    """A program beside the Python that runs the tests."""
    return os.path.join(os.path.dirname(sys.executable), name)


def test_awscli_copies_large_files(cloud, user, large):
    env = {
        "PATH": os.environ["PATH"], "HOME": str(large.parent),
        "AWS_ACCESS_KEY_ID": user["EC2_ACCESS_KEY"], "AWS_SECRET_ACCESS_KEY": user["EC2_SECRET_KEY"],
        "AWS_DEFAULT_REGION": "eucalyptus",
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{cloud.ports['walrus']}",
    }

    def aws(*arguments):
        return clouds.run([tool("python"), tool("aws"), "s3", *arguments], env)

    aws("mb", "s3://parts-awscli")
    aws("cp", large, "s3://parts-awscli/large", "--only-show-errors")
    aws("cp", "s3://parts-awscli/large", "s3://parts-awscli/a copy", "--only-show-errors")
    back = large.with_suffix(".back")
    aws("cp", "s3://parts-awscli/a copy", back, "--only-show-errors")
    assert back.read_bytes() == large.read_bytes()
    for key in ("large", "a copy"):
        aws("rm", f"s3://parts-awscli/{key}")
    aws("rb", "s3://parts-awscli")


@pytest.mark.parametrize("signature", ["v2", "v4"])
def test_s3cmd_sends_large_files_in_parts(cloud, user, large, signature):
    config = large.parent / "s3cfg"
    host = f"127.0.0.1:{cloud.ports['walrus']}"
    config.write_text(
        "[default]\n"
        f"access_key = {user['EC2_ACCESS_KEY']}\nsecret_key = {user['EC2_SECRET_KEY']}\n"
        f"host_base = {host}\nhost_bucket = {host}\nuse_https = False\nbucket_location = eucalyptus\n"
        f"signature_v2 = {signature == 'v2'}\n"
    )

    def s3cmd(*arguments):
        return clouds.run([tool("s3cmd"), "-c", config, "--no-progress", *arguments])

    bucket = f"s3://parts-s3cmd-{signature}"
    s3cmd("mb", bucket)
    s3cmd("put", large, f"{bucket}/large file", "--multipart-chunk-size-mb=5")
    assert "large file" not in s3cmd("multipart", bucket), "no upload is left open"
    s3cmd("cp", f"{bucket}/large file", f"{bucket}/copy")
    back = large.with_suffix(".back")
    s3cmd("get", f"{bucket}/copy", back, "--force")
    assert back.read_bytes() == large.read_bytes()
    assert hashlib.md5(back.read_bytes()).hexdigest() in s3cmd("info", f"{bucket}/large file")
    s3cmd("del", f"{bucket}/large file")
    s3cmd("del", f"{bucket}/copy")
    s3cmd("rb", bucket)


def test_libcloud_sends_everything_in_parts(cloud, user):
    from libcloud.storage.drivers.s3 import BaseS3StorageDriver, S3SignatureV4Connection

    class Connection(S3SignatureV4Connection):
        service_name = "s3"
        version = "2006-03-01"

        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)

    class Driver(BaseS3StorageDriver):
        connectionCls = Connection
        region_name = "eucalyptus"
        name = "walrus"

        def __init__(self, *arguments, **named):
            self.region = "eucalyptus"
            super().__init__(*arguments, **named)

    driver = Driver(
        user["EC2_ACCESS_KEY"], user["EC2_SECRET_KEY"], secure=False, host="127.0.0.1",
        port=cloud.ports["walrus"], region="eucalyptus",
    )
    container = driver.create_container("parts-libcloud")
    small = driver.upload_object_via_stream(iter([b"abc"]), container, "three bytes")
    assert small.size == 3
    assert b"".join(driver.download_object_as_stream(small)) == b"abc"
    blocks = (noise(number, MIB) for number in range(12))
    large = driver.upload_object_via_stream(blocks, container, "twelve MiB")
    whole = b"".join(noise(number, MIB) for number in range(12))
    assert b"".join(driver.download_object_as_stream(large)) == whole
    assert small.delete() and large.delete() and container.delete()


def test_a_bundle_in_parts_becomes_an_image(cloud, user, disk, tmp_path):
    manifest, parts = clouds.bundle(user, disk, tmp_path / "bundle")
    s3 = client(cloud, user)
    s3.create_bucket(Bucket="parts-bundle", ACL="aws-exec-read")
    config = TransferConfig(multipart_threshold=1, multipart_chunksize=5 * MIB)
    for file in [manifest, *parts]:
        s3.upload_file(str(file), "parts-bundle", file.name, Config=config)
        assert "-" in s3.head_object(Bucket="parts-bundle", Key=file.name)["ETag"]
    image = user.euca("register", f"parts-bundle/{manifest.name}", "-n", "in-parts").split()[1]
    clouds.wait_until(lambda: "\tavailable\t" in user.euca("describe-images", image), "the image")


def test_nothing_acknowledged_is_lost_by_kills(tmp_path):
    """Parts are sent, put together, copied, overwritten and removed while walrus is killed."""
    cloud = clouds.Cloud(tmp_path / "cloud")
    stop = threading.Event()
    known, troubles, answers = {}, [], []

    def worker(number):
        s3 = client(cloud, user, retries={"max_attempts": 0}, connect_timeout=2, read_timeout=20)
        dice = random.Random(number)
        bucket = f"kills-{number}"
        while not stop.is_set():
            key = f"key{dice.randrange(3)}"
            parts = [noise(dice.random(), 5 * MIB), noise(dice.random(), dice.randrange(1, 5000))]
            digest = hashlib.sha256(b"".join(parts)).hexdigest()
            before = known.get((bucket, key), {None})
            try:
                upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
                answers.append("begun")
                sent = []
                for n, part in enumerate(parts, 1):
                    tag = s3.upload_part(
                        Bucket=bucket, Key=key, UploadId=upload, PartNumber=n, Body=part)["ETag"]
                    sent.append({"PartNumber": n, "ETag": tag})
                    answers.append("part")
                if dice.random() < 0.2:
                    s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
                    continue
                # Until it is answered, it may have happened or not.
                known[bucket, key] = before | {digest}
                s3.complete_multipart_upload(
                    Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": sent})
                known[bucket, key] = {digest}
                answers.append("completed")
                known[bucket, key + "-copy"] = known.get((bucket, key + "-copy"), {None}) | {digest}
                s3.copy_object(Bucket=bucket, Key=key + "-copy", CopySource=f"{bucket}/{key}")
                known[bucket, key + "-copy"] = {digest}
                answers.append("copied")
                if dice.random() < 0.3:
                    known[bucket, key] = {digest, None}
                    s3.delete_object(Bucket=bucket, Key=key)
                    known[bucket, key] = {None}
            except botocore.exceptions.BotoCoreError:
                # Walrus is away, or has just gone.
                continue
            except botocore.exceptions.ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                    troubles.append(str(error))

    try:
        cloud.raise_all()
        user = cloud.add_user("taro")
        s3 = client(cloud, user)
        workers = [threading.Thread(target=worker, args=(n,)) for n in range(3)]
        for n in range(3):
            s3.create_bucket(Bucket=f"kills-{n}")
        for one in workers:
            one.start()
        for turn in range(10):
            # Killed as soon as so many more answers have come: others are on their way then.
            goal = len(answers) + random.Random(turn).randrange(1, 16)
            clouds.wait_until(lambda goal=goal: len(answers) >= goal, "answers", 60)
            cloud.restart("walrus", signal.SIGKILL)
        stop.set()
        for one in workers:
            one.join(timeout=60)
            assert not one.is_alive()
        assert troubles == []
        cloud.restart("walrus", signal.SIGKILL)
        assert {"begun", "part", "completed", "copied"} <= set(answers)
        for (bucket, key), possible in known.items():
            try:
                body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
                assert hashlib.sha256(body).hexdigest() in possible, f"{bucket}/{key}"
            except s3.exceptions.NoSuchKey:
                assert None in possible, f"{bucket}/{key} is lost"
        for n in range(3):
            for listed in s3.list_objects(Bucket=f"kills-{n}").get("Contents", []):
                s3.delete_object(Bucket=f"kills-{n}", Key=listed["Key"])
            s3.delete_bucket(Bucket=f"kills-{n}")
        cloud.restart("walrus", signal.SIGKILL)
        clouds.wait_until(lambda: not stored(cloud), "every file of nobody's is swept")
    finally:
        stop.set()
        cloud.stop_all()
