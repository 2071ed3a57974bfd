"""Tags, imported keys and launch permission, as boto 2.49, boto3 and libcloud speak of them."""

import base64
import pathlib

import boto3
import pytest
from boto.ec2.connection import EC2Connection
from boto.ec2.regioninfo import RegionInfo
from botocore.exceptions import ClientError
from libcloud.compute.drivers.ec2 import EucNodeDriver

import cloud as clouds

DATA = pathlib.Path(__file__).resolve().parents[2] / "clc/tests/data"
RSA = (DATA / "rsa.pub").read_text()
RSA_MD5 = "c2:8d:c6:33:25:ed:a3:ed:d5:71:41:f3:aa:48:81:aa"


def modern(credentials):
    return boto3.client(
        "ec2", region_name="eucalyptus", endpoint_url=credentials["AWS_ENDPOINT_URL_EC2"],
        aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
    )


def classic(cloud, credentials):
    return EC2Connection(
        credentials["EC2_ACCESS_KEY"], credentials["EC2_SECRET_KEY"], is_secure=False,
        port=cloud.ports["clc"], path="/services/Eucalyptus",
        region=RegionInfo(name="eucalyptus", endpoint="127.0.0.1"),
    )


def euca_driver(cloud, credentials):
    return EucNodeDriver(
        credentials["EC2_ACCESS_KEY"], credentials["EC2_SECRET_KEY"], secure=False,
        host="127.0.0.1", port=cloud.ports["clc"], path="/services/Eucalyptus",
    )


def refused(code, call, **arguments):
    with pytest.raises(ClientError) as told:
        call(**arguments)
    assert told.value.response["Error"]["Code"] == code


@pytest.fixture(scope="module")
def image(cloud, user, boot, disk, tmp_path_factory):
    """A private image of the user's."""
    manifest, _ = clouds.bundle(user, disk, tmp_path_factory.mktemp("tags") / "bundle")
    user.euca("upload-bundle", "-b", "tags", "-m", manifest)
    image = modern(user).register_image(ImageLocation=f"tags/{manifest.name}", Name="tagged")["ImageId"]
    modern(user).get_waiter("image_available").wait(ImageIds=[image], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    return image


def test_boto3_tags_what_it_makes_and_finds_it_again(cloud, user, image):
    ec2 = modern(user)
    tags = [{"Key": "Name", "Value": "web"}, {"Key": "empty", "Value": ""}]
    of = lambda kind: [{"ResourceType": kind, "Tags": tags}]
    pair = ec2.import_key_pair(KeyName="boto3", PublicKeyMaterial=RSA.encode(), TagSpecifications=of("key-pair"))
    assert pair["KeyFingerprint"] == RSA_MD5
    assert pair["Tags"] == tags
    refused("InvalidKeyPair.Duplicate", ec2.import_key_pair, KeyName="boto3", PublicKeyMaterial=RSA.encode())
    refused("InvalidKey.Format", ec2.import_key_pair, KeyName="bad", PublicKeyMaterial=b"bad")
    (seen,) = ec2.describe_key_pairs(KeyPairIds=[pair["KeyPairId"]], IncludePublicKey=True)["KeyPairs"]
    assert seen["PublicKey"] == RSA.strip()

    run = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, KeyName="boto3", TagSpecifications=of("instance"))
    instance = run["Instances"][0]["InstanceId"]
    assert run["Instances"][0]["Tags"] == tags
    ec2.create_tags(Resources=[image, instance, pair["KeyPairId"]], Tags=[{"Key": "Name", "Value": "db"}])
    by_name = [{"Name": "tag:Name", "Values": ["d?"]}]
    (seen,) = ec2.describe_instances(Filters=by_name)["Reservations"]
    assert seen["Instances"][0]["InstanceId"] == instance
    assert [i["ImageId"] for i in ec2.describe_images(Filters=by_name)["Images"]] == [image]
    assert [k["KeyName"] for k in ec2.describe_key_pairs(Filters=by_name)["KeyPairs"]] == ["boto3"]
    assert not ec2.describe_instances(Filters=[{"Name": "tag:empty", "Values": ["x"]}])["Reservations"]
    assert ec2.describe_instances(Filters=[{"Name": "tag:empty", "Values": [""]}])["Reservations"]
    refused("InvalidParameterValue", ec2.describe_instances, Filters=[{"Name": "tags", "Values": ["x"]}])

    ec2.delete_tags(Resources=[instance], Tags=[{"Key": "Name", "Value": ""}])
    pages = ec2.get_paginator("describe_tags").paginate(PaginationConfig={"PageSize": 5})
    found = [tag for page in pages for tag in page["Tags"]]
    assert {"ResourceId": instance, "ResourceType": "instance", "Key": "Name", "Value": "db"} in found
    ec2.delete_tags(Resources=[instance], Tags=[{"Key": "Name"}, {"Key": "absent"}])
    (seen,) = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [instance]}])["Tags"]
    assert (seen["Key"], seen["Value"]) == ("empty", "")
    refused("InvalidInstanceID.NotFound", ec2.create_tags, Resources=[image, "i-00000000"], Tags=tags)

    ec2.terminate_instances(InstanceIds=[instance])
    ec2.delete_key_pair(KeyName="boto3")
    assert not ec2.describe_tags(Filters=[{"Name": "resource-type", "Values": ["key-pair"]}])["Tags"]


def test_boto3_shares_an_image(cloud, user, image):
    friend = cloud.add_user("jiro.tags")
    mine, theirs = modern(user), modern(friend)
    refused("InvalidAMIID.NotFound", theirs.run_instances, ImageId=image, MinCount=1, MaxCount=1)
    account = friend["EC2_USER_ID"]
    mine.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [{"UserId": account}]})
    told = mine.describe_image_attribute(ImageId=image, Attribute="launchPermission")
    assert told["LaunchPermissions"] == [{"UserId": account}]
    assert [i["ImageId"] for i in theirs.describe_images(ExecutableUsers=["self"])["Images"]] == [image]
    run = theirs.run_instances(ImageId=image, MinCount=1, MaxCount=1)
    ids = [i["InstanceId"] for i in run["Instances"]]
    theirs.get_waiter("instance_running").wait(InstanceIds=ids, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    refused("AuthFailure", theirs.modify_image_attribute, ImageId=image, Description={"Value": "mine now"})
    theirs.create_tags(Resources=[image], Tags=[{"Key": "whose", "Value": "theirs"}])
    assert "whose" not in str(mine.describe_images(ImageIds=[image]))

    mine.modify_image_attribute(ImageId=image, Attribute="launchPermission", OperationType="add", UserGroups=["all"])
    assert mine.describe_images(ImageIds=[image])["Images"][0]["Public"] is True
    mine.modify_image_attribute(ImageId=image, Description={"Value": "a & b"})
    told = mine.describe_image_attribute(ImageId=image, Attribute="description")
    assert told["Description"]["Value"] == "a & b"
    mine.reset_image_attribute(ImageId=image, Attribute="launchPermission")
    assert mine.describe_image_attribute(ImageId=image, Attribute="launchPermission")["LaunchPermissions"] == []
    refused("InvalidAMIID.NotFound", theirs.describe_images, ImageIds=[image])
    theirs.terminate_instances(InstanceIds=ids)


def test_boto_2_does_the_same(cloud, user, image):
    ec2 = classic(cloud, user)
    pair = ec2.import_key_pair("boto2", RSA.encode())
    assert pair.fingerprint == RSA_MD5
    (instance,) = ec2.run_instances(image, key_name="boto2").instances
    instance.add_tag("Name", "old")
    ec2.create_tags([image, instance.id], {"two": "2", "none": ""})
    (seen,) = ec2.get_only_instances(filters={"tag:Name": "o*"})
    assert seen.tags == {"Name": "old", "two": "2", "none": ""}
    assert {tag.name for tag in ec2.get_all_tags(filters={"resource-id": image})} >= {"two", "none"}
    ec2.delete_tags([instance.id], {"two": "3", "none": ""})
    assert ec2.get_only_instances([instance.id])[0].tags == {"Name": "old", "two": "2"}
    ec2.delete_tags([instance.id], ["two", "Name"])
    assert ec2.get_only_instances([instance.id])[0].tags == {}
    assert ec2.get_all_images([image])[0].tags["two"] == "2"

    found = ec2.get_image(image)
    assert found.get_launch_permissions() == {}
    found.set_launch_permissions(group_names="all")
    assert found.get_launch_permissions() == {"groups": ["all"]}
    found.remove_launch_permissions(group_names="all")
    found.set_launch_permissions(user_ids=[cloud.administrator["EC2_USER_ID"]])
    assert found.get_launch_permissions() == {"user_ids": [cloud.administrator["EC2_USER_ID"]]}
    found.reset_launch_attributes()
    assert found.get_launch_permissions() == {}
    ec2.terminate_instances([instance.id])
    ec2.delete_key_pair("boto2")


def test_libcloud_does_the_same(cloud, user, image):
    ec2 = euca_driver(cloud, user)
    pair = ec2.import_key_pair_from_string("libcloud", RSA)
    assert pair.fingerprint == RSA_MD5
    assert [key.name for key in ec2.list_key_pairs()] == ["libcloud"]
    mine = next(found for found in ec2.list_images() if found.id == image)
    assert ec2.ex_create_tags(mine, {"by": "libcloud"})
    assert ec2.ex_describe_tags(mine)["by"] == "libcloud"
    assert ec2.ex_delete_tags(mine, {"by": "other"})
    assert ec2.ex_describe_tags(mine)["by"] == "libcloud"
    assert ec2.ex_delete_tags(mine, {"by": "libcloud"})
    assert "by" not in ec2.ex_describe_tags(mine)
    assert ec2.delete_key_pair(pair)


def test_a_key_that_is_der_in_base64_is_read(cloud, user):
    pem = (DATA / "rsa.spki.pem").read_text()
    der = base64.b64decode("".join(pem.splitlines()[1:-1]))
    ec2 = modern(user)
    for name, material in [("der", der), ("pem", pem.encode()), ("ssh2", (DATA / "rsa.rfc4716").read_bytes())]:
        assert ec2.import_key_pair(KeyName=name, PublicKeyMaterial=material)["KeyFingerprint"] == RSA_MD5
        ec2.delete_key_pair(KeyName=name)
