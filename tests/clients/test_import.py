"""Disks that lie in S3 become images, as boto3 asks for it: imported, watched, cancelled, and what kills do to it."""

import os
import signal

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import cloud as clouds

MIB = 1 << 20


def clients(user):
    keys = {
        "region_name": "eucalyptus", "aws_access_key_id": user["EC2_ACCESS_KEY"],
        "aws_secret_access_key": user["EC2_SECRET_KEY"],
    }
    s3 = boto3.client("s3", endpoint_url=user["S3_URL"], config=Config(s3={"addressing_style": "path"}), **keys)
    return boto3.client("ec2", endpoint_url=user["EC2_URL"], **keys), s3


def disk(size=3 * MIB, noise=None):
    """A disk with a partition table."""
    content = bytearray(size)
    noise = os.urandom(min(size, noise or size) - 512)
    content[512:512 + len(noise)] = noise
    content[446:462] = bytes([0x80, 0, 0, 0, 0x83, 0, 0, 0]) + (64).to_bytes(4, "little") + (1024).to_bytes(4, "little")
    content[510:512] = b"\x55\xaa"
    return bytes(content)


@pytest.fixture(scope="module")
def user(cloud):
    return cloud.add_user("importer")


@pytest.fixture(scope="module")
def both(user):
    ec2, s3 = clients(user)
    s3.create_bucket(Bucket="disks")
    return ec2, s3


def imported(ec2, key, bucket="disks", own=None, **more):
    container = {"Format": "raw", "UserBucket": {"S3Bucket": bucket, "S3Key": key}}
    if own:
        # What is ours alone is not in botocore's model.
        def add(params, **_):
            params["body"].update(own)
        ec2.meta.events.register("before-call.ec2.ImportImage", add, "own")
    try:
        return ec2.import_image(DiskContainers=[container], **more)
    finally:
        ec2.meta.events.unregister("before-call.ec2.ImportImage", unique_id="own")


def task(ec2, made):
    (found,) = ec2.describe_import_image_tasks(ImportTaskIds=[made["ImportTaskId"]])["ImportImageTasks"]
    return found


def ended(ec2, made, state="completed"):
    def over():
        found = task(ec2, made)
        return found["Status"] not in ("active", "deleting") and found
    found = clouds.wait_until(over, "the import has ended", seconds=120)
    assert found["Status"] == state, found
    return found


def keys(s3, bucket):
    return [it["Key"] for it in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_a_disk_becomes_an_image_that_runs(cloud, user, both, tmp_path):
    ec2, s3 = both
    content = disk()
    s3.put_object(Bucket="disks", Key="a/server.img", Body=content)
    made = imported(
        ec2, "a/server.img", Description="my <server>", ClientToken="once", own={"Name": "server", "DeleteSource": "true"}
    )
    assert made["ImportTaskId"].startswith("import-ami-") and made["Status"] == "active", made
    again = imported(
        ec2, "a/server.img", Description="my <server>", ClientToken="once", own={"Name": "server", "DeleteSource": "true"}
    )
    assert again["ImportTaskId"] == made["ImportTaskId"]
    found = ended(ec2, made)
    (source,) = found["SnapshotDetails"]
    assert (source["Format"], source["DiskImageSize"]) == ("RAW", len(content)), source
    assert source["UserBucket"] == {"S3Bucket": "disks", "S3Key": "a/server.img"}
    (image,) = ec2.describe_images(ImageIds=[found["ImageId"]])["Images"]
    assert (image["State"], image["Name"], image["Description"]) == ("available", "server", "my <server>")
    assert (image["VirtualizationType"], image["Public"]) == ("hvm", False)
    clouds.wait_until(lambda: keys(s3, "disks") == [], "the disk is gone from its bucket")
    # The bundle is one as others are, its owner's.
    bucket, manifest = image["ImageLocation"].split("/")
    user.euca("download-and-unbundle", "-b", bucket, "-m", manifest, "-d", tmp_path)
    (plain,) = tmp_path.iterdir()
    assert plain.read_bytes() == content
    (run,) = ec2.run_instances(ImageId=image["ImageId"], MinCount=1, MaxCount=1)["Instances"]
    ec2.get_waiter("instance_running").wait(InstanceIds=[run["InstanceId"]], WaiterConfig={"Delay": 1})
    ec2.terminate_instances(InstanceIds=[run["InstanceId"]])
    states = ec2.describe_import_image_tasks(Filters=[{"Name": "task-state", "Values": ["completed"]}])
    assert [it["ImportTaskId"] for it in states["ImportImageTasks"]] == [made["ImportTaskId"]]
    with pytest.raises(ClientError) as error:
        ec2.cancel_import_task(ImportTaskId=made["ImportTaskId"])
    assert error.value.response["Error"]["Code"] == "IncorrectState"
    with pytest.raises(ClientError) as error:
        imported(ec2, "a/other.img", ClientToken="once")
    assert error.value.response["Error"]["Code"] == "IdempotentParameterMismatch"


@pytest.mark.parametrize("service", ["walrus", "clc"])
def test_a_kill_in_the_middle_loses_and_leaves_nothing(cloud, both, service):
    ec2, s3 = both
    content = disk(48 * MIB)
    s3.put_object(Bucket="disks", Key="killed.img", Body=content)
    made = imported(ec2, "killed.img")
    clouds.wait_until(lambda: task(ec2, made)["StatusMessage"] == "converting", "it is converted")
    cloud.restart(service, signal.SIGKILL)
    found = ended(ec2, made)
    (image,) = ec2.describe_images(ImageIds=[found["ImageId"]])["Images"]
    assert image["State"] == "available" and image["Name"] == made["ImportTaskId"]
    assert keys(s3, "disks") == ["killed.img"], "what nobody asked to be removed stays"
    s3.delete_object(Bucket="disks", Key="killed.img")


def test_a_cancelled_import_leaves_nothing_but_the_disk(cloud, user, both):
    ec2, s3 = both
    s3.put_object(Bucket="disks", Key="cancelled.img", Body=disk(48 * MIB))
    made = imported(ec2, "cancelled.img", own={"Name": "cancelled", "DeleteSource": "true"})
    (image,) = ec2.describe_images(ImageIds=[made["ImageId"]])["Images"]
    assert image["State"] == "pending" and made["ImportTaskId"] in image["StateReason"]["Message"]
    bucket = image["ImageLocation"].split("/")[0]
    clouds.wait_until(lambda: task(ec2, made)["StatusMessage"] == "converting", "it is converted")
    state = ec2.cancel_import_task(ImportTaskId=made["ImportTaskId"], CancelReason="no more")
    assert (state["PreviousState"], state["State"]) == ("active", "deleting")
    found = ended(ec2, made, "deleted")
    assert found["StatusMessage"] == "no more" and "ImageId" not in found
    assert ec2.describe_images(Owners=["self"], Filters=[{"Name": "name", "Values": ["cancelled"]}])["Images"] == []
    left = lambda: [key for key in keys(s3, bucket) if key.startswith(made["ImageId"])]  # noqa: E731
    clouds.wait_until(lambda: left() == [], "nothing is left of the bundle")
    # Whoever asked for it to go asked for that once there is an image of it.
    assert keys(s3, "disks") == ["cancelled.img"]
    s3.delete_object(Bucket="disks", Key="cancelled.img")


def test_what_cannot_become_an_image_is_refused_with_its_reason(cloud, both):
    ec2, s3 = both
    stranger, its = clients(cloud.add_user("stranger"))
    its.create_bucket(Bucket="strange-disks")
    its.put_object(Bucket="strange-disks", Key="disk.img", Body=disk())
    for key, body in {
        "qcow": b"QFI\xfb" + bytes(MIB), "odd": disk() + b"x", "empty": b"", "zeros": bytes(MIB), "gz": b"\x1f\x8b" + bytes(510),
    }.items():
        s3.put_object(Bucket="disks", Key=key, Body=body)
    for bucket, key, code, text in [
        ("disks", "qcow", "InvalidParameterValue", "QCOW2"),
        ("disks", "odd", "InvalidParameterValue", "multiple of 512"),
        ("disks", "empty", "InvalidParameterValue", "empty"),
        ("disks", "zeros", "InvalidParameterValue", "neither a partition table"),
        ("disks", "gz", "InvalidParameterValue", "gzip"),
        ("disks", "missing", "AuthFailure", "There is no disk disks/missing"),
        ("strange-disks", "disk.img", "AuthFailure", "There is no disk strange-disks/disk.img"),
        ("no-such-bucket", "disk.img", "AuthFailure", "There is no disk"),
    ]:
        with pytest.raises(ClientError) as error:
            imported(ec2, key, bucket)
        told = error.value.response["Error"]
        assert told["Code"] == code and text in told["Message"], (bucket, key, told)
        # A rehearsal says the same, in its own words where rights lack.
        with pytest.raises(ClientError) as error:
            imported(ec2, key, bucket, DryRun=True)
        rehearsed = {"AuthFailure": "UnauthorizedOperation"}.get(code, code)
        assert error.value.response["Error"]["Code"] == rehearsed
    with pytest.raises(ClientError) as error:
        stranger.import_image(DiskContainers=[{"Format": "vmdk", "UserBucket": {"S3Bucket": "strange-disks", "S3Key": "disk.img"}}])
    assert "DiskContainer.1.Format" in str(error.value)
    with pytest.raises(ClientError) as error:
        imported(stranger, "disk.img", "strange-disks", DryRun=True)
    assert error.value.response["Error"]["Code"] == "DryRunOperation"
    assert stranger.describe_import_image_tasks()["ImportImageTasks"] == []
    with pytest.raises(ClientError) as error:
        stranger.describe_import_image_tasks(ImportTaskIds=["import-ami-00000001"])
    assert error.value.response["Error"]["Code"] == "InvalidConversionTaskId"
