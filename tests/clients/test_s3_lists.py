"""Listings, removal of many objects, access control lists, and what clients ask of a bucket before
they do anything: boto3's paginators, boto 2, s3cmd."""

import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

import cloud as clouds
from test_boto2 import s3 as boto2
from test_boto3 import client, refused

ODD = ["a b/日本語+&?.txt", "plain", "x&<y>\"'", "line\nbreak", "d/1", "d/2", "d/e/3", "%2F"]


@pytest.fixture(scope="module")
def bucket(user):
    s3 = client("s3", user)
    s3.create_bucket(Bucket="lists")
    for key in ODD:
        s3.put_object(Bucket="lists", Key=key, Body=b"1")
    return "lists"


@pytest.mark.parametrize("operation, found", [("list_objects", "Contents"), ("list_objects_v2", "Contents"),
                                              ("list_object_versions", "Versions")])
def test_paginators_find_everything_once(user, bucket, operation, found):
    s3 = client("s3", user)
    pages = s3.get_paginator(operation)
    for size in (1, 3, 1000):
        keys = [o["Key"] for page in pages.paginate(Bucket=bucket, PaginationConfig={"PageSize": size})
                for o in page.get(found, [])]
        assert keys == sorted(ODD, key=lambda key: key.encode())
        folders, keys = [], []
        for page in pages.paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": size}):
            folders += [p["Prefix"] for p in page.get("CommonPrefixes", [])]
            keys += [o["Key"] for o in page.get(found, [])]
        assert folders == ["a b/", "d/"]
        assert keys == sorted((k for k in ODD if "/" not in k), key=lambda key: key.encode())


def test_the_second_version_by_hand(user, bucket):
    s3 = client("s3", user)
    page = s3.list_objects_v2(Bucket=bucket, MaxKeys=2, FetchOwner=True)
    assert (page["KeyCount"], page["IsTruncated"]) == (2, True)
    assert page["Contents"][0]["Owner"]["ID"] == user["EC2_USER_ID"]
    rest = s3.list_objects_v2(Bucket=bucket, ContinuationToken=page["NextContinuationToken"])
    assert rest["KeyCount"] == len(ODD) - 2
    after = s3.list_objects_v2(Bucket=bucket, StartAfter="d/1", Prefix="d/")
    assert [o["Key"] for o in after["Contents"]] == ["d/2", "d/e/3"]
    refused("InvalidArgument", s3.list_objects_v2, Bucket=bucket, ContinuationToken="made up")
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=0)["KeyCount"] == 0


def test_many_objects_are_removed_at_once(cloud, user):
    s3 = client("s3", user)
    s3.create_bucket(Bucket="many")
    for key in ODD:
        s3.put_object(Bucket="many", Key=key, Body=b"1")
    versions = s3.list_object_versions(Bucket="many")["Versions"]
    some = [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in versions[:2]]
    gone = s3.delete_objects(Bucket="many", Delete={"Objects": some})
    assert [d["Key"] for d in gone["Deleted"]] == [o["Key"] for o in some] and "Errors" not in gone
    wrong = s3.delete_objects(Bucket="many", Delete={"Quiet": True, "Objects": [
        {"Key": "plain", "VersionId": "3"}, {"Key": "never was"}]})
    assert [(e["Key"], e["Code"]) for e in wrong["Errors"]] == [("plain", "NoSuchVersion")]
    assert "Deleted" not in wrong

    old = boto2(cloud, user).get_bucket("many")
    left = [key.name for key in old.list()]
    assert len(left) == len(ODD) - 2
    done = old.delete_keys(left)
    assert sorted(d.key for d in done.deleted) == sorted(left) and not done.errors
    assert s3.list_objects_v2(Bucket="many")["KeyCount"] == 0
    s3.delete_bucket(Bucket="many")


def test_access_control_lists_are_real(cloud, user):
    s3 = client("s3", user)
    s3.create_bucket(Bucket="listed")
    s3.put_object(Bucket="listed", Key="k", Body=b"open")
    url = f"{user['S3_URL'].rstrip('/')}/listed/k"

    def status():
        try:
            return urllib.request.urlopen(url, timeout=10).status
        except urllib.error.HTTPError as error:
            return error.code

    assert status() == 403
    s3.put_object_acl(Bucket="listed", Key="k", ACL="public-read")
    assert status() == 200
    told = s3.get_object_acl(Bucket="listed", Key="k")
    assert [g["Permission"] for g in told["Grants"]] == ["FULL_CONTROL", "READ"]
    private = {"Owner": told["Owner"], "Grants": told["Grants"][:1]}
    s3.put_object_acl(Bucket="listed", Key="k", AccessControlPolicy=private)
    assert status() == 403
    s3.put_bucket_acl(Bucket="listed", ACL="public-read")
    assert len(s3.get_bucket_acl(Bucket="listed")["Grants"]) == 2
    told["Grants"][1]["Permission"] = "WRITE"
    refused("NotImplemented", s3.put_object_acl, Bucket="listed", Key="k",
            AccessControlPolicy={"Owner": told["Owner"], "Grants": told["Grants"]})

    old = boto2(cloud, user).get_bucket("listed")
    old.get_key("k").set_acl("public-read")
    assert status() == 200
    policy = old.get_acl("k")
    assert policy.owner.id == user["EC2_USER_ID"] and len(policy.acl.grants) == 2
    old.set_canned_acl("private", "k")
    assert status() == 403


def test_what_terraform_reads_of_a_bucket(user, bucket):
    s3 = client("s3", user)
    for call, code in [
        (s3.get_bucket_policy, "NoSuchBucketPolicy"),
        (s3.get_bucket_cors, "NoSuchCORSConfiguration"),
        (s3.get_bucket_website, "NoSuchWebsiteConfiguration"),
        (s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration"),
        (s3.get_bucket_replication, "ReplicationConfigurationNotFoundError"),
        (s3.get_bucket_encryption, "ServerSideEncryptionConfigurationNotFoundError"),
        (s3.get_object_lock_configuration, "ObjectLockConfigurationNotFoundError"),
        (s3.get_bucket_tagging, "NoSuchTagSet"),
        (s3.get_public_access_block, "NoSuchPublicAccessBlockConfiguration"),
        (s3.get_bucket_ownership_controls, "OwnershipControlsNotFoundError"),
    ]:
        assert refused(code, call, Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=bucket)
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    notified = s3.get_bucket_notification_configuration(Bucket=bucket)
    assert [name for name in notified if name != "ResponseMetadata"] == []
    assert s3.get_object_tagging(Bucket=bucket, Key="plain")["TagSet"] == []
    refused("NotImplemented", s3.put_bucket_versioning, Bucket=bucket,
            VersioningConfiguration={"Status": "Enabled"})
    refused("NotImplemented", s3.delete_bucket_policy, Bucket=bucket)
    with pytest.raises(ClientError):
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})


def test_attributes_of_objects(user):
    s3 = client("s3", user)
    s3.create_bucket(Bucket="attributes")
    s3.put_object(Bucket="attributes", Key="whole", Body=b"12345", ChecksumAlgorithm="SHA256")
    asked = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
    told = s3.get_object_attributes(Bucket="attributes", Key="whole", ObjectAttributes=asked)
    assert (told["ObjectSize"], told["StorageClass"]) == (5, "STANDARD") and "ObjectParts" not in told
    assert told["Checksum"]["ChecksumType"] == "FULL_OBJECT" and told["Checksum"]["ChecksumSHA256"]
    upload = s3.create_multipart_upload(Bucket="attributes", Key="parts")["UploadId"]
    where = dict(Bucket="attributes", Key="parts", UploadId=upload)
    sizes = [5 << 20, 7]
    parts = [{"PartNumber": n, "ETag": s3.upload_part(**where, PartNumber=n, Body=b"x" * size)["ETag"]}
             for n, size in enumerate(sizes, 1)]
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    told = s3.get_object_attributes(Bucket="attributes", Key="parts", ObjectAttributes=asked, MaxParts=1)
    assert told["ObjectSize"] == sum(sizes) and told["ETag"].endswith("-2")
    page = told["ObjectParts"]
    assert (page["TotalPartsCount"], page["IsTruncated"], page["NextPartNumberMarker"]) == (2, True, 1)
    assert [(p["PartNumber"], p["Size"]) for p in page["Parts"]] == [(1, sizes[0])]
    refused("NoSuchKey", s3.get_object_attributes, Bucket="attributes", Key="none", ObjectAttributes=["ETag"])


@pytest.mark.parametrize("version", ["v4", "v2"])
def test_s3cmd(cloud, user, tmp_path, version):
    host = f"127.0.0.1:{cloud.ports['walrus']}"
    config = tmp_path / "s3cfg"
    config.write_text(
        f"[default]\naccess_key = {user['EC2_ACCESS_KEY']}\nsecret_key = {user['EC2_SECRET_KEY']}\n"
        f"host_base = {host}\nhost_bucket = {host}\nuse_https = False\nbucket_location = US\n"
        f"signature_v2 = {version == 'v2'}\n"
    )

    def s3cmd(*arguments):
        return clouds.run([Path(sys.executable).parent / "s3cmd", "-c", config, *arguments])

    name = f"s3://s3cmd-{version}"
    s3cmd("mb", name)
    for n in range(3):
        (tmp_path / f"{n} &.txt").write_text("text")
        s3cmd("put", tmp_path / f"{n} &.txt", f"{name}/d/")
    assert "DIR" in s3cmd("ls", name) and s3cmd("ls", f"{name}/d/").count(".txt") == 3
    info = s3cmd("info", name)
    assert "Policy:    none" in info and "CORS:      none" in info, info
    assert "FULL_CONTROL" in s3cmd("info", f"{name}/d/1 &.txt")
    url = f"http://{host}/s3cmd-{version}/d/1%20%26.txt"
    s3cmd("setacl", "--acl-public", f"{name}/d/1 &.txt")
    assert urllib.request.urlopen(url, timeout=10).read() == b"text"
    s3cmd("setacl", "--acl-private", f"{name}/d/1 &.txt")
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(url, timeout=10)
    s3cmd("del", "--recursive", "--force", name)
    s3cmd("rb", name)
    with pytest.raises(AssertionError):
        s3cmd("ls", name)


def test_quotas_are_set_on_the_host_and_hold_while_the_clc_is_away(cloud):
    def admin(*words):
        return clouds.run([clouds.BIN / "clc", "admin", *words, "--config", cloud.dir / "etc/clc.toml"])

    limited = cloud.add_user("limited")
    s3 = client("s3", limited)
    s3.create_bucket(Bucket="limited")
    s3.put_object(Bucket="limited", Key="k", Body=b"12345")
    line = admin("set-quota", "limited", "--bytes", "8", "--buckets", "1")
    assert line == "QUOTA\taccount\tlimited\t5\t0\t1\t1\t8\tunlimited\t1\n"
    assert refused("QuotaExceeded", s3.put_object, Bucket="limited", Key="l",
                   Body=b"1234")["ResponseMetadata"]["HTTPStatusCode"] == 403
    refused("TooManyBuckets", s3.create_bucket, Bucket="limited2")
    line = admin("set-bucket-quota", "limited", "--objects", "1")
    assert line == "QUOTA\tbucket\tlimited\t5\t0\t1\t1\tunlimited\t1\tunlimited\n"
    assert line in admin("describe-quotas")
    with pytest.raises(AssertionError, match="there is no user"):
        admin("set-quota", "nobody", "--bytes", "1")
    cloud.stop("clc")
    try:
        refused("QuotaExceeded", s3.put_object, Bucket="limited", Key="l", Body=b"")
    finally:
        cloud.start("clc")
        cloud.wait_healthy("clc")
    admin("set-quota", "limited", "--bytes", "default", "--buckets", "unlimited")
    admin("set-bucket-quota", "limited", "--objects", "default")
    s3.put_object(Bucket="limited", Key="l", Body=b"1234")
