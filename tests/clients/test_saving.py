"""Instances saved from outside: BundleInstance, its tasks, and CreateImage, by boto 2.49, boto3, awscli and euca."""

import base64
import hashlib
import hmac
import json
import os
import random

import pytest

import cloud as clouds
from adapters import tool
from test_boto2 import ec2 as ec2_of_2012
from test_boto3 import client, refused


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    """A small disk that says how far it reaches."""
    disk = bytearray(random.Random("saved").randbytes(4 << 20))
    clouds.claim(disk)
    file = tmp_path_factory.mktemp("noise") / "disk.img"
    file.write_bytes(disk)
    return file


def run(user, image, name, folder):
    """An instance of a disk."""
    manifest, _ = clouds.bundle(user, image, folder / "bundle")
    user.euca("upload-bundle", "-b", f"{name}-to-be-saved", "-m", manifest)
    ec2 = client("ec2", user)
    location = f"{name}-to-be-saved/{manifest.name}"
    image = ec2.register_image(ImageLocation=location, Name=f"{name} to be saved")["ImageId"]
    instance = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    ec2.get_waiter("instance_running").wait(InstanceIds=[instance], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    return instance


@pytest.fixture(scope="module")
def instance(cloud, user, boot, noise, tmp_path_factory):
    instance = run(user, noise, "small", tmp_path_factory.mktemp("small"))
    yield instance
    client("ec2", user).terminate_instances(InstanceIds=[instance])


@pytest.fixture(scope="module")
def large(cloud, user, boot, disk, tmp_path_factory):
    """Nobody knows how far its disk reaches, so that the whole of it is saved, which takes a while."""
    instance = run(user, disk, "large", tmp_path_factory.mktemp("large"))
    yield instance
    client("ec2", user).terminate_instances(InstanceIds=[instance])


def policy_for(bucket, prefix, secret):
    """What boto's documentation says is to be signed."""
    conditions = [{"bucket": bucket}, {"acl": "ec2-bundle-read"}, ["starts-with", "$key", prefix]]
    text = json.dumps({"expiration": "2099-11-23T10:53:54", "conditions": conditions})
    policy = base64.b64encode(text.encode()).decode()
    signature = hmac.new(secret.encode(), policy.encode(), hashlib.sha1).digest()
    return policy, base64.b64encode(signature).decode()


def ended(find, seconds=120):
    return clouds.wait_until(
        lambda: (task := find()) and task["State"] in ("complete", "failed") and task, "the task ends", seconds
    )


def unbundled(user, bucket, prefix, folder):
    """What a bundle in a bucket holds, by its owner's key."""
    s3 = client("s3", user)
    folder.mkdir()
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}.")["Contents"]]
    for key in keys:
        s3.download_file(bucket, key, str(folder / key.rsplit("/", 1)[-1]))
    manifest = next(folder.glob("*.manifest.xml"))
    user.euca("unbundle", "-m", manifest, "-s", folder, "-d", folder)
    return folder / manifest.name.removesuffix(".manifest.xml")


def test_boto3(cloud, user, instance, noise, tmp_path):
    ec2 = client("ec2", user)
    place = {"S3": {"Bucket": "boto3-saved", "Prefix": "deep/img"}}
    told = ec2.bundle_instance(InstanceId=instance, Storage=place)["BundleTask"]
    task = told["BundleId"]
    assert task.startswith("bun-") and told["Storage"]["S3"]["Prefix"] == "deep/img"
    refused("BundlingInProgress", ec2.bundle_instance, InstanceId=instance,
            Storage={"S3": {"Bucket": "boto3-saved", "Prefix": "other"}})

    def find():
        return ec2.describe_bundle_tasks(BundleIds=[task])["BundleTasks"][0]

    done = ended(find)
    assert (done["State"], done["Progress"], done.get("BundleTaskError")) == ("complete", "100%", None), done
    assert unbundled(user, "boto3-saved", "deep/img", tmp_path / "down").read_bytes() == noise.read_bytes()
    # Signed by the cloud: it can be registered as it is.
    image = ec2.register_image(ImageLocation="boto3-saved/deep/img.manifest.xml", Name="boto3 saved")["ImageId"]
    ec2.get_waiter("image_available").wait(ImageIds=[image], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    refused("IncorrectState", ec2.cancel_bundle_task, BundleId=task)
    refused("InvalidBundleID.NotFound", ec2.cancel_bundle_task, BundleId="bun-00000000")
    filters = [{"Name": "s3-bucket", "Values": ["boto3-saved"]}, {"Name": "state", "Values": ["complete"]}]
    assert [t["BundleId"] for t in ec2.describe_bundle_tasks(Filters=filters)["BundleTasks"]] == [task]
    ec2.deregister_image(ImageId=image)


def test_boto2(cloud, user, instance):
    ec2 = ec2_of_2012(cloud, user)
    policy, _ = policy_for("boto2-saved", "img", user["EC2_SECRET_KEY"])
    task = ec2.bundle_instance(instance, "boto2-saved", "img", policy)
    assert task.id.startswith("bun-") and (task.bucket, task.prefix) == ("boto2-saved", "img")

    def find():
        (seen,) = ec2.get_all_bundle_tasks([task.id])
        return {"State": seen.state, "Message": seen.message}

    assert ended(find)["State"] == "complete", find()


def test_awscli(cloud, user, large, tmp_path):
    environment = {
        **user.env, "HOME": str(tmp_path), "PATH": os.environ["PATH"], "AWS_PAGER": "", "AWS_MAX_ATTEMPTS": "1",
    }

    def aws(*arguments):
        return json.loads(clouds.run([tool("aws"), "--output", "json", "ec2", *arguments], environment))

    given = ["--bucket", "aws-saved", "--prefix", "img"]
    keys = ["--owner-akid", user["EC2_ACCESS_KEY"], "--owner-sak", user["EC2_SECRET_KEY"]]
    task = aws("bundle-instance", "--instance-id", large, *given, *keys)["BundleTask"]["BundleId"]
    told = aws("cancel-bundle-task", "--bundle-id", task)["BundleTask"]
    assert told["State"] == "cancelling"
    done = ended(lambda: aws("describe-bundle-tasks", "--bundle-ids", task)["BundleTasks"][0])
    assert (done["State"], done["BundleTaskError"]["Code"]) == ("failed", "Client.Cancelled")
    s3 = client("s3", user)
    clouds.wait_until(lambda: "Contents" not in s3.list_objects_v2(Bucket="aws-saved"), "nothing is left")


def test_create_image_by_boto3_and_boto2(cloud, user, instance):
    ec2 = client("ec2", user)
    image = ec2.create_image(InstanceId=instance, Name="made by boto3", Description="so")["ImageId"]
    seen = ec2.describe_images(ImageIds=[image])["Images"][0]
    assert (seen["State"], seen["Name"], seen["Description"]) == ("pending", "made by boto3", "so")
    ec2.get_waiter("image_available").wait(ImageIds=[image], WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    state = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["State"]["Name"]
    assert state == "running"
    copy = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    ec2.get_waiter("instance_running").wait(InstanceIds=[copy], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    ec2.terminate_instances(InstanceIds=[copy])
    ec2.deregister_image(ImageId=image)

    old = ec2_of_2012(cloud, user)
    image = old.create_image(instance, "made by boto2", no_reboot=True)
    clouds.wait_until(lambda: old.get_all_images([image])[0].state == "available", "the image is available", 120)
    old.deregister_image(image)


def test_euca(cloud, user, instance, tmp_path):
    line = user.euca("bundle-instance", instance, "-b", "euca-saved", "-p", "img", "-x", "1").split("\t")
    assert line[0] == "BUNDLE" and line[2:5] == [instance, "euca-saved", "img"]

    def find():
        row = user.euca("describe-bundle-tasks", line[1]).rstrip("\n").split("\t")
        return {"State": row[7], "Row": row}

    done = ended(find)
    assert done["Row"][7:] == ["complete", "100%", "euca-saved/img.manifest.xml"]
    made = user.euca("create-image", instance, "-n", "made by euca", "--no-reboot").split()
    assert made[0] == "IMAGE"
    clouds.wait_until(lambda: "\tavailable\t" in user.euca("describe-images", made[1]), "the image is available", 120)
    user.euca("deregister", made[1])


def test_who_saves_into_whose_bucket(cloud, user, instance):
    owner = cloud.add_user("bucket.owner")
    ec2 = client("ec2", user)
    client("s3", owner).create_bucket(Bucket="of-another")
    place = {"Bucket": "of-another", "Prefix": "img"}
    refused("AccessDenied", ec2.bundle_instance, InstanceId=instance, Storage={"S3": place})
    policy, signature = policy_for("of-another", "img", owner["EC2_SECRET_KEY"])
    forged = policy_for("of-another", "img", user["EC2_SECRET_KEY"])[1]
    leave = {**place, "AWSAccessKeyId": owner["EC2_ACCESS_KEY"], "UploadPolicy": base64.b64decode(policy)}
    refused("AuthFailure", ec2.bundle_instance, InstanceId=instance,
            Storage={"S3": {**leave, "UploadPolicySignature": forged}})
    told = ec2.bundle_instance(InstanceId=instance, Storage={"S3": {**leave, "UploadPolicySignature": signature}})
    task = told["BundleTask"]["BundleId"]
    done = ended(lambda: ec2.describe_bundle_tasks(BundleIds=[task])["BundleTasks"][0])
    assert done["State"] == "complete", done
    keys = {o["Key"] for o in client("s3", owner).list_objects_v2(Bucket="of-another")["Contents"]}
    assert "img.manifest.xml" in keys and "img.part.0" in keys
