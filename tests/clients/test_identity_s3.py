"""What policies let a user do with S3, as boto3 sees it: given and taken while the cloud runs."""

import json
import time

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import cloud as clouds

PLAIN = Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"})
# Two equal changes of one second have one signature: the client is asked to wait and sign anew.
PATIENT = Config(retries={"mode": "standard", "max_attempts": 8})


def client(service, url, key, secret, config=PLAIN):
    return boto3.client(
        service, region_name="eucalyptus", endpoint_url=url,
        aws_access_key_id=key, aws_secret_access_key=secret, config=config,
    )


def code(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource, **more):
    return {"Effect": "Allow", "Action": action, "Resource": f"arn:aws:s3:::{resource}", **more}


@pytest.fixture(scope="module")
def owner(cloud):
    return cloud.add_user("policies-of-s3")


@pytest.fixture(scope="module")
def iam(owner):
    return client(
        "iam", owner["AWS_ENDPOINT_URL_IAM"], owner["AWS_ACCESS_KEY_ID"], owner["AWS_SECRET_ACCESS_KEY"], PATIENT
    )


@pytest.fixture(scope="module")
def owners_s3(owner):
    s3 = client("s3", owner["S3_URL"], owner["AWS_ACCESS_KEY_ID"], owner["AWS_SECRET_ACCESS_KEY"])
    s3.create_bucket(Bucket="of-policies")
    s3.put_object(Bucket="of-policies", Key="open/key", Body=b"bytes")
    s3.put_object(Bucket="of-policies", Key="closed/key", Body=b"bytes")
    return s3


def user(iam, owner, name):
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], client("s3", owner["S3_URL"], key["AccessKeyId"], key["SecretAccessKey"])


def test_a_user_may_what_policies_say_from_the_next_request_on(iam, owner, owners_s3):
    _, s3 = user(iam, owner, "reader")
    assert code(s3.list_buckets) == "AccessDenied"
    assert code(s3.get_object, Bucket="of-policies", Key="open/key") == "AccessDenied"
    document = policy(
        allow("s3:GetObject", "of-policies/open/*"),
        allow("s3:ListBucket", "of-policies", Condition={"StringLike": {"s3:prefix": "open/*"}}),
    )
    iam.put_user_policy(UserName="reader", PolicyName="reads", PolicyDocument=document)
    assert s3.get_object(Bucket="of-policies", Key="open/key")["Body"].read() == b"bytes"
    assert code(s3.get_object, Bucket="of-policies", Key="closed/key") == "AccessDenied"
    assert code(s3.put_object, Bucket="of-policies", Key="open/key", Body=b"other") == "AccessDenied"
    listed = s3.list_objects_v2(Bucket="of-policies", Prefix="open/")
    assert [item["Key"] for item in listed["Contents"]] == ["open/key"]
    assert code(s3.list_objects_v2, Bucket="of-policies") == "AccessDenied"
    gone = s3.delete_objects(Bucket="of-policies", Delete={"Objects": [{"Key": "open/key"}]})
    assert [error["Code"] for error in gone["Errors"]] == ["AccessDenied"]

    # A group's policy counts, and a denial is stronger than what is allowed.
    iam.create_group(GroupName="writers")
    iam.put_group_policy(
        GroupName="writers", PolicyName="writes",
        PolicyDocument=policy(
            allow("s3:*", "of-policies/*"),
            {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"},
        ),
    )
    iam.add_user_to_group(GroupName="writers", UserName="reader")
    s3.put_object(Bucket="of-policies", Key="closed/new", Body=b"new")
    assert code(s3.delete_object, Bucket="of-policies", Key="closed/new") == "AccessDenied"
    begun = time.monotonic()
    iam.remove_user_from_group(GroupName="writers", UserName="reader")
    clouds.wait_until(
        lambda: code(s3.put_object, Bucket="of-policies", Key="closed/new", Body=b"new") == "AccessDenied",
        "what the group gave is taken",
    )
    assert time.monotonic() - begun < 5


def test_a_key_that_is_put_out_is_out(iam, owner, owners_s3):
    key, s3 = user(iam, owner, "leaver")
    iam.put_user_policy(UserName="leaver", PolicyName="all", PolicyDocument=policy(allow("s3:*", "*")))
    assert code(s3.list_buckets) is None
    for change, undo in [
        (
            lambda: iam.update_access_key(UserName="leaver", AccessKeyId=key, Status="Inactive"),
            lambda: iam.update_access_key(UserName="leaver", AccessKeyId=key, Status="Active"),
        ),
        (lambda: iam.delete_access_key(UserName="leaver", AccessKeyId=key), None),
    ]:
        begun = time.monotonic()
        change()
        clouds.wait_until(lambda: code(s3.list_buckets) == "InvalidAccessKeyId", "the key is out")
        assert time.monotonic() - begun < 5
        if undo:
            undo()
            assert code(s3.list_buckets) is None


def test_limits_bound_what_a_user_makes(iam, owner, owners_s3):
    _, s3 = user(iam, owner, "collector")
    limit = {
        "Effect": "Limit", "Action": "s3:PutObject", "Resource": "*",
        "Condition": {"NumericLessThanEquals": {"s3:quota-bucketobjectnumber": "1"}},
    }
    document = policy(allow("s3:*", "*"), limit)
    iam.put_user_policy(UserName="collector", PolicyName="few", PolicyDocument=document)
    s3.create_bucket(Bucket="collected")
    s3.put_object(Bucket="collected", Key="one", Body=b"1")
    assert code(s3.put_object, Bucket="collected", Key="two", Body=b"2") == "QuotaExceeded"
    owner_key = (owner["AWS_ACCESS_KEY_ID"], owner["AWS_SECRET_ACCESS_KEY"])
    client("s3", owner["S3_URL"], *owner_key).put_object(Bucket="collected", Key="two", Body=b"2")
