"""boto 2.49, as the scripts of 2012 use it: SigV2 for S3 with a path prefix; EC2 by SigV2 and SigV4."""

import boto
import pytest
from boto.auth import HmacAuthV4Handler  # noqa: F401  (registers the handler)
from boto.ec2.connection import EC2Connection
from boto.ec2.regioninfo import RegionInfo
from boto.exception import EC2ResponseError, S3CreateError, S3ResponseError
from boto.s3.connection import OrdinaryCallingFormat, S3Connection

import cloud as clouds


def s3(cloud, credentials):
    return S3Connection(
        credentials["EC2_ACCESS_KEY"], credentials["EC2_SECRET_KEY"], host="127.0.0.1",
        port=cloud.ports["walrus"], path="/services/Walrus", is_secure=False,
        calling_format=OrdinaryCallingFormat(),
    )


class QueryV2(EC2Connection):
    """EC2 signed as boto did until 2014."""

    def _required_auth_capability(self):
        return ["ec2"]


def ec2(cloud, credentials, connection=EC2Connection):
    return connection(
        credentials["EC2_ACCESS_KEY"], credentials["EC2_SECRET_KEY"], is_secure=False,
        port=cloud.ports["clc"], path="/services/Eucalyptus",
        region=RegionInfo(name="eucalyptus", endpoint="127.0.0.1"),
    )


def test_objects_are_kept_as_they_were_put(cloud, user):
    buckets = s3(cloud, user)
    bucket = buckets.create_bucket("boto2-objects")
    for name, text in [("plain", b"hello"), ("a b/日本語+&?.txt", b"x" * 100_000), ("empty", b"")]:
        key = bucket.new_key(name)
        key.set_metadata("note", "kept")
        key.set_contents_from_string(text, policy="private")
        found = bucket.get_key(name)
        assert found.get_contents_as_string() == text
        assert found.get_metadata("note") == "kept"
    assert sorted(key.name for key in bucket.list()) == ["a b/日本語+&?.txt", "empty", "plain"]
    assert [key.name for key in bucket.list(prefix="p")] == ["plain"]
    assert "boto2-objects" in [b.name for b in buckets.get_all_buckets()]
    with pytest.raises(S3ResponseError) as full:
        buckets.delete_bucket("boto2-objects")
    assert full.value.error_code == "BucketNotEmpty"
    for key in bucket.list():
        key.delete()
    buckets.delete_bucket("boto2-objects")
    assert buckets.lookup("boto2-objects") is None


def test_a_stranger_is_told_no(cloud, user):
    bucket = s3(cloud, user).create_bucket("boto2-private")
    bucket.new_key("k").set_contents_from_string("secret")
    stranger = s3(cloud, cloud.add_user("stranger2"))
    for attempt in (
        lambda: stranger.get_bucket("boto2-private"),
        lambda: stranger.get_bucket("boto2-private", validate=False).get_key("k"),
        lambda: stranger.get_bucket("boto2-private", validate=False).new_key("x").set_contents_from_string("x"),
        lambda: stranger.create_bucket("boto2-private"),
    ):
        with pytest.raises((S3ResponseError, S3CreateError)) as told:
            attempt()
        assert told.value.status in (403, 409)
    wrong = s3(cloud, {"EC2_ACCESS_KEY": user["EC2_ACCESS_KEY"], "EC2_SECRET_KEY": "wrong"})
    with pytest.raises(S3ResponseError) as told:
        wrong.get_all_buckets()
    assert (told.value.status, told.value.error_code) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("connection", [EC2Connection, QueryV2], ids=["v4", "v2"])
def test_the_whole_path(cloud, user, boot, disk, tmp_path, connection):
    """put bundle, register, key pair, run, describe, console output, terminate"""
    name = connection.__name__.lower()
    manifest, parts = clouds.bundle(user, disk, tmp_path / "bundle")
    bucket = s3(cloud, user).create_bucket(f"boto2-{name}", policy="aws-exec-read")
    for file in [manifest, *parts]:
        bucket.new_key(file.name).set_contents_from_filename(str(file), policy="aws-exec-read")

    cloud_api = ec2(cloud, user, connection)
    image_id = cloud_api.register_image(image_location=f"{bucket.name}/{manifest.name}")
    assert image_id.startswith("emi-")

    def image():
        return cloud_api.get_all_images([image_id])[0]

    clouds.wait_until(lambda: image().state == "available", "the image is available")
    assert image().kernel_id is None or image().kernel_id == boot["kernel"]

    pair = cloud_api.create_key_pair(name)
    assert pair.material.startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert [p.name for p in cloud_api.get_all_key_pairs([name])] == [name]

    reservation = cloud_api.run_instances(image_id, key_name=name)
    (instance,) = reservation.instances
    clouds.wait_until(lambda: instance.update() == "running", "the instance is running")
    found = cloud_api.get_all_instances([instance.id])[0].instances[0]
    assert (found.key_name, found.instance_type, found.image_id) == (name, "m1.small", image_id)
    assert found.private_ip_address
    clouds.wait_until(
        lambda: instance.id.encode() in cloud_api.get_console_output(instance.id).output
        or instance.id in str(cloud_api.get_console_output(instance.id).output),
        "the console tells the instance's id",
    )
    cloud_api.terminate_instances([instance.id])
    clouds.wait_until(lambda: instance.update() == "terminated", "the instance is terminated")
    assert cloud_api.delete_key_pair(name)
    assert cloud_api.deregister_image(image_id)
    with pytest.raises(EC2ResponseError) as told:
        cloud_api.run_instances(image_id)
    assert told.value.error_code == "InvalidAMIID.NotFound"


def test_regions_and_zones(cloud, user):
    cloud_api = ec2(cloud, user)
    assert [zone.name for zone in cloud_api.get_all_zones()] == ["eucalyptus-1a"]
    (region,) = cloud_api.get_all_regions()
    assert region.name == "eucalyptus"


def test_boto_is_the_old_one():
    assert boto.__version__ == "2.49.0"
