"""The matrix's columns of EC2 and STS: what each client runs, changes and ends in the clc."""

import pathlib

import pytest

import cloud as clouds
from matrix import cells

PUBLIC = pathlib.Path(__file__).resolve().parents[2] / "clc/tests/data/rsa.pub"
FINGERPRINT = "c2:8d:c6:33:25:ed:a3:ed:d5:71:41:f3:aa:48:81:aa"


@pytest.fixture(scope="session")
def image(https, https_boot, matrix_user, disk, tmp_path_factory):
    """A bundle that lies in a bucket, and the image that was made of it."""
    manifest, _ = clouds.bundle(matrix_user, disk, tmp_path_factory.mktemp("matrix-image") / "bundle")
    matrix_user.euca("upload-bundle", "-b", "matrix-image", "-m", manifest)
    location = f"matrix-image/{manifest.name}"
    image = matrix_user.euca("register", location, "-n", "matrix").split()[1]
    clouds.wait_until(lambda: "\tavailable\t" in matrix_user.euca("describe-images", image), "the image")
    return image, location


@pytest.fixture(scope="session")
def instances():
    """The instance of each row, for what is done to one that there is: row → id."""
    return {}


@pytest.fixture
def instance(row, witness, image, instances):
    """The row's running instance, made and brought there by the witness."""
    if row.name not in instances or witness.state(instances[row.name]) != "running":
        ran = witness.ec2.run_instances(ImageId=image[0], MinCount=1, MaxCount=1)
        instances[row.name] = ran["Instances"][0]["InstanceId"]
        witness.wait(instances[row.name], "running")
    return instances[row.name]


@cells("caller")
def test_caller(row, matrix_user):
    assert row.client.caller() == matrix_user["EC2_USER_ID"]


@cells("images")
def test_images(row, image):
    assert image[0] in row.client.images()


@cells("register")
def test_register(row, witness, image):
    name = f"{row.name}-register".replace(" ", "-")
    made = row.client.register(image[1], name)
    assert made.startswith("emi-") and made != image[0]
    assert made not in [found["ImageId"] for found in witness.ec2.describe_images()["Images"]]


@cells("new-key")
def test_new_key(row, witness):
    name = f"{row.name} new"
    private = row.client.new_key(name)
    assert private.startswith("-----BEGIN RSA PRIVATE KEY-----") and "-----END" in private
    assert name not in [pair["KeyName"] for pair in witness.ec2.describe_key_pairs()["KeyPairs"]]


@cells("own-key")
def test_own_key(row, witness):
    name = f"{row.name} own"
    row.client.own_key(name, PUBLIC)
    (found,) = witness.ec2.describe_key_pairs(KeyNames=[name], IncludePublicKey=True)["KeyPairs"]
    assert (found["KeyFingerprint"], found["PublicKey"]) == (FINGERPRINT, PUBLIC.read_text().strip())


@cells("run")
def test_run(row, witness, image):
    name = f"{row.name} run"
    witness.ec2.import_key_pair(KeyName=name, PublicKeyMaterial=PUBLIC.read_bytes())
    instance = row.client.run(image[0], name, "#!/bin/sh\necho é\n")
    witness.wait(instance, "running")
    found = witness.instance(instance)
    assert (found["KeyName"], found["InstanceType"], found["ImageId"]) == (name, "m1.small", image[0])
    assert witness.user_data(instance) == "#!/bin/sh\necho é\n".encode()
    witness.ec2.terminate_instances(InstanceIds=[instance])


@cells("find")
def test_find(row, witness, instance):
    witness.ec2.create_tags(Resources=[instance], Tags=[{"Key": "row", "Value": row.name}])
    assert row.client.find("tag:row", row.name) == [instance]


@cells("stop")
def test_stop(row, witness, instance):
    row.client.stop(instance)
    witness.wait(instance, "stopped")
    witness.ec2.start_instances(InstanceIds=[instance])
    witness.wait(instance, "running")


@cells("start")
def test_start(row, witness, instance):
    witness.ec2.stop_instances(InstanceIds=[instance], Force=True)
    witness.wait(instance, "stopped")
    row.client.start(instance)
    witness.wait(instance, "running")


@cells("reboot")
def test_reboot(row, witness, instance):
    boots = witness.console(instance).count(instance)
    row.client.reboot(instance)
    clouds.wait_until(
        lambda: witness.console(instance).count(instance) > boots, "the guest boots once more",
        seen=lambda: witness.console(instance),
    )
    assert witness.state(instance) == "running"


@cells("console")
def test_console(row, witness, instance):
    clouds.wait_until(lambda: instance in witness.console(instance), "the console tells the instance's id")
    assert instance in row.client.console(instance)


@cells("tags")
def test_tags(row, witness, instance):
    found = row.client.tags(instance)
    assert (found["a"], found["b"]) == ("1", "2")
    left = {tag["Key"]: tag["Value"] for tag in witness.instance(instance)["Tags"]}
    assert left["a"] == "1" and "b" not in left


@cells("terminate")
def test_terminate(row, witness, instance):
    row.client.terminate(instance)
    witness.wait(instance, "terminated")
