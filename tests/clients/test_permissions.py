"""A restricted user's day, as boto3 and awscli live it: what policies give, and how the rest is refused."""

import json
import os
import subprocess
import sys

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import cloud as clouds

WORKER = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": ["ec2:TerminateInstances", "ec2:RebootInstances"],
            "Resource": "arn:aws:ec2:*:*:instance/*",
            "Condition": {"StringEquals": {"ec2:ResourceTag/Owner": "${aws:username}"}},
        },
        {
            "Effect": "Allow",
            "Action": ["iam:*AccessKey*", "iam:GetUser"],
            "Resource": "arn:aws:iam::*:user/${aws:username}",
        },
    ],
}
LAUNCHER = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "ec2:RunInstances",
            "Resource": ["arn:aws:ec2:*::image/*", "arn:aws:ec2:*:*:key-pair/*"],
        },
        {
            "Effect": "Allow",
            "Action": "ec2:RunInstances",
            "Resource": "arn:aws:ec2:*:*:instance/*",
            "Condition": {
                "StringEquals": {"ec2:InstanceType": "m1.small", "aws:RequestTag/Owner": "${aws:username}"}
            },
        },
        {
            "Effect": "Allow",
            "Action": "ec2:CreateTags",
            "Resource": "arn:aws:ec2:*:*:instance/*",
            "Condition": {"StringEquals": {"ec2:CreateAction": "RunInstances"}},
        },
    ],
}
QUOTA = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Limit",
            "Action": "ec2:RunInstances",
            "Resource": "*",
            "Condition": {"NumericLessThanEquals": {"ec2:quota-vminstancenumber": "2"}},
        }
    ],
}


class Person:
    """Somebody with an access key, as the clients want it."""

    def __init__(self, owner, key):
        self.id, self.secret = key["AccessKeyId"], key["SecretAccessKey"]
        self.owner = owner

    def client(self, service):
        return boto3.client(
            service,
            region_name="eucalyptus",
            endpoint_url=self.owner[f"AWS_ENDPOINT_URL_{service.upper()}"],
            aws_access_key_id=self.id,
            aws_secret_access_key=self.secret,
            config=Config(retries={"max_attempts": 1}),
        )

    def aws(self, service, *arguments):
        """Runs awscli; gives its status, output and error."""
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_ACCESS_KEY_ID": self.id,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": "eucalyptus",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_CONFIG_FILE": os.devnull,
        }
        endpoint = self.owner[f"AWS_ENDPOINT_URL_{service.upper()}"]
        command = [sys.executable, "-m", "awscli", "--endpoint-url", endpoint, "--output", "json", service]
        done = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr


def refused(code, call, **arguments):
    with pytest.raises(ClientError) as told:
        call(**arguments)
    response = told.value.response
    assert response["Error"]["Code"] == code, response
    return response


def denied(code, call, **arguments):
    response = refused(code, call, **arguments)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 403
    return response["Error"]["Message"]


@pytest.fixture(scope="module")
def owner(cloud):
    return cloud.add_user("permissions")


@pytest.fixture(scope="module")
def iam(owner):
    keys = {"AccessKeyId": owner["AWS_ACCESS_KEY_ID"], "SecretAccessKey": owner["AWS_SECRET_ACCESS_KEY"]}
    return Person(owner, keys).client("iam")


@pytest.fixture(scope="module")
def ec2(owner):
    keys = {"AccessKeyId": owner["AWS_ACCESS_KEY_ID"], "SecretAccessKey": owner["AWS_SECRET_ACCESS_KEY"]}
    return Person(owner, keys).client("ec2")


@pytest.fixture(scope="module")
def worker(owner, iam):
    iam.create_user(UserName="worker", Path="/floor/")
    iam.create_user(UserName="other")
    iam.put_user_policy(UserName="worker", PolicyName="day", PolicyDocument=json.dumps(WORKER).replace(
        "user/${", "user/floor/${"))
    return Person(owner, iam.create_access_key(UserName="worker")["AccessKey"])


@pytest.fixture(scope="module")
def image(owner, ec2, boot, disk, tmp_path_factory):
    manifest, _ = clouds.bundle(owner, disk, tmp_path_factory.mktemp("permissions") / "bundle")
    owner.euca("upload-bundle", "-b", "permissions", "-m", manifest)
    image = ec2.register_image(ImageLocation=f"permissions/{manifest.name}", Name="allowed")["ImageId"]
    ec2.get_waiter("image_available").wait(ImageIds=[image], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    return image


def test_who_may_describe_may_not_run(cloud, worker, image):
    ec2 = worker.client("ec2")
    assert [it["ImageId"] for it in ec2.describe_images(Owners=["self"])["Images"]] == [image]
    ec2.describe_instances()
    launch = {"ImageId": image, "MinCount": 1, "MaxCount": 1}
    message = denied("UnauthorizedOperation", ec2.run_instances, **launch)
    assert f"ec2:RunInstances on resource: arn:aws:ec2:eucalyptus::image/{image}" in message
    assert ":user/floor/worker" in message
    # DryRun tells the same, and what may be done is told as ever.
    denied("UnauthorizedOperation", ec2.run_instances, DryRun=True, **launch)
    refused("DryRunOperation", ec2.describe_instances, DryRun=True)
    # Nothing is told of what exists to whoever may do nothing with it.
    for instance in ("i-00000000", "nonsense"):
        denied("UnauthorizedOperation", ec2.stop_instances, InstanceIds=[instance])
    assert ec2.describe_instances()["Reservations"] == []


def test_a_user_ends_instances_with_its_own_name_on_them(cloud, ec2, worker, image):
    run = ec2.run_instances(ImageId=image, MinCount=2, MaxCount=2)
    mine, others = [it["InstanceId"] for it in run["Instances"]]
    ec2.create_tags(Resources=[mine], Tags=[{"Key": "Owner", "Value": "worker"}])
    ec2.create_tags(Resources=[others], Tags=[{"Key": "Owner", "Value": "other"}])
    theirs = worker.client("ec2")
    denied("UnauthorizedOperation", theirs.terminate_instances, InstanceIds=[others])
    denied("UnauthorizedOperation", theirs.terminate_instances, InstanceIds=[mine, others])
    denied("UnauthorizedOperation", theirs.terminate_instances, InstanceIds=[others], DryRun=True)
    # Nor does it make one its own.
    denied("UnauthorizedOperation", theirs.create_tags, Resources=[others], Tags=[{"Key": "Owner", "Value": "worker"}])
    refused("DryRunOperation", theirs.terminate_instances, InstanceIds=[mine], DryRun=True)
    ended = theirs.terminate_instances(InstanceIds=[mine.upper().replace("I-", "i-")])
    assert [it["InstanceId"] for it in ended["TerminatingInstances"]] == [mine]
    ec2.terminate_instances(InstanceIds=[others])


def test_a_user_manages_its_own_keys_alone(cloud, worker):
    iam = worker.client("iam")
    assert iam.get_user()["User"]["UserName"] == "worker"
    made = iam.create_access_key()["AccessKey"]
    assert made["UserName"] == "worker"
    listed = {key["AccessKeyId"] for key in iam.list_access_keys()["AccessKeyMetadata"]}
    assert listed == {worker.id, made["AccessKeyId"]}
    iam.update_access_key(UserName="worker", AccessKeyId=made["AccessKeyId"], Status="Inactive")
    iam.delete_access_key(AccessKeyId=made["AccessKeyId"])
    for name in ("other", "admin"):
        denied("AccessDenied", iam.create_access_key, UserName=name)
        denied("AccessDenied", iam.list_access_keys, UserName=name)
    denied("AccessDenied", iam.list_users)
    denied("AccessDenied", iam.create_user, UserName="worker2")
    denied("AccessDenied", iam.put_user_policy, UserName="worker", PolicyName="more",
           PolicyDocument=json.dumps(WORKER).replace("ec2:Describe*", "*"))
    assert worker.client("sts").get_caller_identity()["Arn"].endswith(":user/floor/worker")


def test_awscli_tells_the_same(cloud, worker, image):
    status, out, _ = worker.aws("ec2", "describe-images", "--owners", "self")
    assert status == 0 and [it["ImageId"] for it in json.loads(out)["Images"]] == [image]
    status, _, error = worker.aws("ec2", "run-instances", "--image-id", image)
    assert status in (254, 255) and "(UnauthorizedOperation)" in error and "RunInstances" in error
    status, _, error = worker.aws("ec2", "run-instances", "--image-id", image, "--dry-run")
    assert status in (254, 255) and "(UnauthorizedOperation)" in error
    status, _, error = worker.aws("iam", "list-users")
    assert status in (254, 255) and "(AccessDenied)" in error and "iam:ListUsers" in error
    status, out, error = worker.aws("iam", "list-access-keys")
    assert status == 0, error
    assert [key["UserName"] for key in json.loads(out)["AccessKeyMetadata"]] == ["worker"]


def test_a_launch_is_allowed_as_it_is_asked_for_and_counted(cloud, owner, iam, ec2, image):
    iam.create_user(UserName="launcher")
    for name, policy in (("launch", LAUNCHER), ("quota", QUOTA)):
        iam.put_user_policy(UserName="launcher", PolicyName=name, PolicyDocument=json.dumps(policy))
    theirs = Person(owner, iam.create_access_key(UserName="launcher")["AccessKey"]).client("ec2")

    def launch(count=1, owner="launcher", **more):
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "Owner", "Value": owner}]}]
        return {"ImageId": image, "MinCount": count, "MaxCount": count, "TagSpecifications": tags, **more}

    denied("UnauthorizedOperation", theirs.run_instances, ImageId=image, MinCount=1, MaxCount=1)
    denied("UnauthorizedOperation", theirs.run_instances, **launch(owner="worker"))
    denied("UnauthorizedOperation", theirs.run_instances, **launch(InstanceType="m1.large"))
    refused("DryRunOperation", theirs.run_instances, **launch(DryRun=True))
    refused("InstanceLimitExceeded", theirs.run_instances, **launch(count=3))
    # As many as there is room for.
    made = theirs.run_instances(**{**launch(), "MaxCount": 5})["Instances"]
    assert len(made) == 2
    refused("InstanceLimitExceeded", theirs.run_instances, **launch(DryRun=True))
    refused("InstanceLimitExceeded", theirs.run_instances, **launch())
    # The owner is not limited by a user's quota, nor is what the owner runs counted for the user.
    extra = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"]
    ids = [it["InstanceId"] for it in made]
    ec2.terminate_instances(InstanceIds=ids)
    ec2.get_waiter("instance_terminated").wait(InstanceIds=ids, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    again = theirs.run_instances(**launch())["Instances"]
    ec2.terminate_instances(InstanceIds=[it["InstanceId"] for it in again + extra])
