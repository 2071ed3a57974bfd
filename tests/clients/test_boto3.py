"""boto3, as today's scripts use it: SigV4 for both APIs, and a generation of S3 clients at SigV2."""

import hashlib

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import cloud as clouds


def client(service, credentials, **config):
    config.setdefault("s3", {"addressing_style": "path"})
    return boto3.client(
        service, region_name="eucalyptus",
        endpoint_url=credentials["S3_URL" if service == "s3" else "EC2_URL"],
        aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"max_attempts": 1}, **config),
    )


def refused(code, call, *args, **kwargs):
    with pytest.raises(ClientError) as told:
        call(*args, **kwargs)
    assert told.value.response["Error"]["Code"] == code, told.value
    return told.value.response


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_objects_are_kept_as_they_were_put(cloud, user, version):
    s3 = client("s3", user, signature_version=version)
    bucket = f"boto3-{version}"
    s3.create_bucket(Bucket=bucket)
    assert s3.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 200
    for key, body in [("plain", b"hello"), ("a b/日本語+&?.txt", b"x" * 3_000_000), ("empty", b"")]:
        put = s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="text/x", Metadata={"note": "kept"})
        assert put["ETag"].strip('"') == hashlib.md5(body).hexdigest()
        got = s3.get_object(Bucket=bucket, Key=key)
        assert got["Body"].read() == body
        assert (got["ContentType"], got["Metadata"], got["ContentLength"]) == ("text/x", {"note": "kept"}, len(body))
        head = s3.head_object(Bucket=bucket, Key=key)
        assert (head["ContentLength"], head["ETag"]) == (len(body), put["ETag"])
    listed = s3.list_objects(Bucket=bucket, Delimiter="/")
    assert [o["Key"] for o in listed["Contents"]] == ["empty", "plain"]
    assert [p["Prefix"] for p in listed["CommonPrefixes"]] == ["a b/"]
    page = s3.list_objects(Bucket=bucket, MaxKeys=1)
    assert page["IsTruncated"] and len(page["Contents"]) == 1
    refused("BucketNotEmpty", s3.delete_bucket, Bucket=bucket)
    for key in ("plain", "a b/日本語+&?.txt", "empty", "never was"):
        s3.delete_object(Bucket=bucket, Key=key)
    s3.delete_bucket(Bucket=bucket)
    refused("NoSuchBucket", s3.list_objects, Bucket=bucket)


def test_what_is_not_served_is_refused_and_changes_nothing(cloud, user):
    s3 = client("s3", user)
    s3.create_bucket(Bucket="boto3-refused")
    s3.put_object(Bucket="boto3-refused", Key="k", Body=b"kept")
    refused("NotImplemented", s3.put_object_tagging, Bucket="boto3-refused", Key="k", Tagging={"TagSet": []})
    refused("NotImplemented", s3.put_bucket_versioning, Bucket="boto3-refused",
            VersioningConfiguration={"Status": "Enabled"})
    assert s3.get_object(Bucket="boto3-refused", Key="k")["Body"].read() == b"kept"


def test_the_whole_path(cloud, user, boot, disk, tmp_path):
    """put bundle, register, key pair, run, describe, console output, terminate"""
    manifest, parts = clouds.bundle(user, disk, tmp_path / "bundle")
    s3, ec2 = client("s3", user), client("ec2", user)
    s3.create_bucket(Bucket="boto3-path")
    for file in [manifest, *parts]:
        s3.put_object(Bucket="boto3-path", Key=f"deep/{file.name}", Body=file.read_bytes(), ACL="aws-exec-read")

    image = ec2.register_image(ImageLocation=f"boto3-path/deep/{manifest.name}", Name="boto3")["ImageId"]
    refused("InvalidAMIName.Duplicate", ec2.register_image,
            ImageLocation=f"boto3-path/deep/{manifest.name}", Name="boto3", Description="again")
    ec2.get_waiter("image_available").wait(ImageIds=[image], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    mine = ec2.describe_images(Owners=["self"], Filters=[{"Name": "name", "Values": ["boto?"]}])["Images"]
    assert [i["ImageId"] for i in mine] == [image]

    pair = ec2.create_key_pair(KeyName="鍵 3")
    assert pair["KeyMaterial"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    # Not the very same request: within one second it would be a repetition.
    refused("InvalidKeyPair.Duplicate", ec2.create_key_pair, KeyName="鍵 3", KeyType="rsa")

    run = ec2.run_instances(ImageId=image, MinCount=2, MaxCount=2, KeyName="鍵 3")
    ids = [i["InstanceId"] for i in run["Instances"]]
    ec2.get_waiter("instance_running").wait(InstanceIds=ids, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    seen = [i for r in ec2.describe_instances(InstanceIds=ids)["Reservations"] for i in r["Instances"]]
    assert sorted(i["AmiLaunchIndex"] for i in seen) == [0, 1]
    assert len({i["PrivateIpAddress"] for i in seen}) == 2
    assert {i["KernelId"] for i in seen} == {boot["kernel"]}
    clouds.wait_until(lambda: ids[0] in ec2.get_console_output(InstanceId=ids[0])["Output"], "the console tells the id")

    ended = ec2.terminate_instances(InstanceIds=ids)["TerminatingInstances"]
    assert {i["InstanceId"] for i in ended} == set(ids)
    ec2.get_waiter("instance_terminated").wait(InstanceIds=ids, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    ec2.delete_key_pair(KeyName="鍵 3")
    ec2.deregister_image(ImageId=image)
    refused("InvalidAMIID.NotFound", ec2.describe_images, ImageIds=[image])


def test_a_launch_sent_twice_happens_once(cloud, user, boot, disk, tmp_path):
    manifest, parts = clouds.bundle(user, disk, tmp_path / "bundle")
    user.euca("upload-bundle", "-b", "boto3-twice", "-m", manifest)
    ec2 = client("ec2", user)
    image = ec2.register_image(ImageLocation=f"boto3-twice/{manifest.name}", Name="twice")["ImageId"]
    ask = dict(ImageId=image, MinCount=1, MaxCount=1, ClientToken="token-1")
    first, second = ec2.run_instances(**ask), ec2.run_instances(**ask)
    assert first["ReservationId"] == second["ReservationId"]
    ids = [i["InstanceId"] for i in first["Instances"]]
    assert ids == [i["InstanceId"] for i in second["Instances"]]
    refused("IdempotentParameterMismatch", ec2.run_instances, **{**ask, "MaxCount": 2})
    # A pending image is accepted; the launch waits for it.
    ec2.get_waiter("instance_running").wait(InstanceIds=ids, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    ec2.terminate_instances(InstanceIds=ids)


def test_bad_input_is_told_in_the_apis_own_codes(cloud, user):
    ec2 = client("ec2", user)
    refused("InvalidAMIID.NotFound", ec2.run_instances, ImageId="emi-00000000", MinCount=1, MaxCount=1)
    refused("InvalidAMIID.Malformed", ec2.run_instances, ImageId="nonsense", MinCount=1, MaxCount=1)
    refused("InvalidInstanceID.NotFound", ec2.describe_instances, InstanceIds=["i-00000000"])
    refused("InvalidInstanceID.Malformed", ec2.terminate_instances, InstanceIds=["nonsense"])
    refused("InvalidKeyPair.NotFound", ec2.describe_key_pairs, KeyNames=["nobody"])
    refused("InvalidParameterValue", ec2.describe_images, Filters=[{"Name": "colour", "Values": ["red"]}])
    refused("InvalidAction", ec2.describe_vpcs)
    stranger = client("ec2", {**user.env, "AWS_SECRET_ACCESS_KEY": "wrong"})
    assert refused("SignatureDoesNotMatch", stranger.describe_regions)["ResponseMetadata"]["HTTPStatusCode"] == 403
    nobody = client("ec2", {**user.env, "AWS_ACCESS_KEY_ID": "AKIAAAAAAAAAAAAAAAAA"})
    refused("InvalidClientTokenId", nobody.describe_regions)


def test_an_ordinary_user_registers_no_kernel(cloud, user, tmp_path):
    file = tmp_path / "vmlinuz"
    file.write_bytes(b"kernel" * 1000)
    manifest, _ = clouds.bundle(user, file, tmp_path / "bundle", "--kernel", "true")
    user.euca("upload-bundle", "-b", "boto3-kernel", "-m", manifest)
    ec2 = client("ec2", user)
    told = refused("OperationNotPermitted", ec2.register_image,
                   ImageLocation=f"boto3-kernel/{manifest.name}", Name="no kernel")
    assert "administrator" in told["Error"]["Message"]
    assert not ec2.describe_images(Owners=["self"], Filters=[{"Name": "name", "Values": ["no kernel"]}])["Images"]


def test_running_instances_outlive_each_service(cloud, user, boot, disk, tmp_path):
    manifest, _ = clouds.bundle(user, disk, tmp_path / "bundle")
    user.euca("upload-bundle", "-b", "boto3-outlive", "-m", manifest)
    ec2 = client("ec2", user)
    image = ec2.register_image(ImageLocation=f"boto3-outlive/{manifest.name}", Name="outlive")["ImageId"]
    instance = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]

    def state():
        found = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        return found["State"]["Name"]

    clouds.wait_until(lambda: state() == "running", "the instance is running")
    for name in ("clc", "walrus", "node-agent"):
        cloud.restart(name)
        assert state() == "running", name
    ec2.terminate_instances(InstanceIds=[instance])
    clouds.wait_until(lambda: state() == "terminated", "the instance is terminated")
