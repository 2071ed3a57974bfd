"""kill -9 of the clc and of walrus, again and again, while an account is deleted: it comes to its end, and nothing of
it is lost that is given, and nothing is left over that ends."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from cloud import BIN, run, wait_until
from world import Call, client, code

OBJECTS = 700

# Moments of a deletion, in seconds after it was asked for: from before it is heard to after it is answered.
MOMENTS = (0.03, 0.06, 0.1, 0.15, 0.25, 0.4)


def admin(world, *arguments):
    return run([BIN / "clc", "admin", *arguments, "--config", world.dir / "etc/clc.toml"])


def seen(world, *arguments):
    """The same; what it complains of, if it does."""
    try:
        return admin(world, *arguments)
    except AssertionError as complaint:
        return str(complaint)


def exists(world, name):
    """Whether there is such a user; None as long as nobody answers."""
    try:
        return any(line.split("\t")[1] == name for line in admin(world, "describe-users").splitlines())
    except AssertionError:
        return None


def estate(world, name):
    """An account with an instance, a key pair, many objects and an open upload."""
    user = world.add_user(name)
    s3, ec2 = client("s3", user), client("ec2", user)
    world.insist(world.ec2.modify_image_attribute, ImageId=world.image, LaunchPermission={
        "Add": [{"UserId": user["EC2_USER_ID"]}]})
    ec2.create_key_pair(KeyName="web")
    ids = world.insist(lambda: [it["InstanceId"] for it in ec2.run_instances(
        ImageId=world.image, MinCount=1, MaxCount=1, KeyName="web", ClientToken=name)["Instances"]])
    bucket = f"{name}-files"
    s3.create_bucket(Bucket=bucket)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: s3.put_object(Bucket=bucket, Key=f"k{n:04}", Body=b"%d" % n), range(OBJECTS)))
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"part")
    return user, bucket, ids, upload


def killed_until_gone(world, name, service, *how):
    """Asks for the deletion, kills within it, and asks again until it is done."""
    kills = 0
    for moment in MOMENTS:
        if exists(world, name) is False:
            break
        call = Call(seen, world, "delete-user", name, *how)
        call.join(moment)
        world.kill(service)
        call.end()
        kills += 1
    if exists(world, name):
        seen(world, "delete-user", name, *how)
    wait_until(lambda: exists(world, name) is False, f"{name} is gone", 90,
               lambda: seen(world, "describe-users", name))
    return kills


@pytest.mark.parametrize("service", ["clc", "walrus"])
def test_while_all_is_given_to_an_heir(steady, told, service):
    name, heir = f"giver-{service}", f"heir-{service}"
    leaver, bucket, ids, upload = estate(steady, name)
    to = steady.add_user(heir)
    kills = killed_until_gone(steady, name, service, "--belongings", "give", "--heir", heir)
    with pytest.raises(Exception) as refusal:
        client("s3", leaver).list_buckets()
    assert code(refusal.value) == "InvalidAccessKeyId"
    s3, ec2 = client("s3", to), client("ec2", to)
    for number in range(OBJECTS):
        assert s3.get_object(Bucket=bucket, Key=f"k{number:04}")["Body"].read() == b"%d" % number
    assert s3.get_object_acl(Bucket=bucket, Key="k0001")["Owner"]["ID"] == to["EC2_USER_ID"]
    part = s3.list_parts(Bucket=bucket, Key="parts", UploadId=upload)["Parts"][0]
    s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload={
        "Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})

    def running():
        found = ec2.describe_instances(InstanceIds=ids)["Reservations"][0]["Instances"][0]
        return found["State"]["Name"] == "running"
    wait_until(running, "the instance runs as the heir's", 60)
    # The heir goes, too, and then nothing is left.
    admin(steady, "delete-user", heir, "--belongings", "end")
    wait_until(lambda: exists(steady, heir) is False, "the heir is gone", 90)
    steady.check_all()
    steady.check_swept()
    told(f"{service} while an account's belongings are given to another",
         f"{kills} SIGKILLs while it is asked for, until the account is gone",
         f"{OBJECTS} objects, an open upload, an instance and a key pair are the heir's")


@pytest.mark.parametrize("service", ["clc", "walrus"])
def test_while_all_ends(steady, told, service):
    name = f"ender-{service}"
    _, bucket, _, _ = estate(steady, name)
    kills = killed_until_gone(steady, name, service, "--belongings", "end")
    steady.check_all()
    steady.check_swept()
    steady.insist(steady.s3.create_bucket, Bucket=bucket)
    steady.insist(steady.s3.delete_bucket, Bucket=bucket)
    told(f"{service} while an account ends with all it owns",
         f"{kills} SIGKILLs while it is asked for, until the account is gone",
         "no file, no seat, no address is left; the names are free")
