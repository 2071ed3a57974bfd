"""boto3's CloudTrail client against the clc: what was done is found, in pages, and only one's own."""

import datetime
import json

import boto3
import botocore.exceptions
import pytest

import cloud as clouds


def client(cloud, user, service):
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{cloud.ports['clc']}",
        region_name="eucalyptus",
        aws_access_key_id=user["EC2_ACCESS_KEY"],
        aws_secret_access_key=user["EC2_SECRET_KEY"],
    )


def by(key, value):
    return [{"AttributeKey": key, "AttributeValue": value}]


def test_what_was_done_is_found(cloud):
    user = cloud.add_user("audited")
    ec2, trail = client(cloud, user, "ec2"), client(cloud, user, "cloudtrail")
    begun = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=5)
    for number in range(5):
        ec2.create_key_pair(KeyName=f"trail-{number}")
    # Another request than the first: within one second the same would be refused as its repetition.
    with pytest.raises(botocore.exceptions.ClientError):
        ec2.create_key_pair(KeyName="trail-0", KeyType="rsa")

    pages = trail.get_paginator("lookup_events").paginate(
        LookupAttributes=by("EventName", "CreateKeyPair"),
        StartTime=begun,
        PaginationConfig={"PageSize": 2},
    )
    found = [event for page in pages for event in page["Events"]]
    assert len(found) == 6
    assert [event["EventTime"] for event in found] == sorted((e["EventTime"] for e in found), reverse=True)
    refused, newest = found[0], json.loads(found[1]["CloudTrailEvent"])
    assert json.loads(refused["CloudTrailEvent"])["errorCode"] == "InvalidKeyPair.Duplicate"
    assert found[1]["EventSource"] == "ec2.amazonaws.com" and found[1]["ReadOnly"] == "false"
    assert found[1]["Username"] == "admin" and found[1]["AccessKeyId"] == user["EC2_ACCESS_KEY"]
    assert newest["requestParameters"]["KeyName"] == "trail-4" and "boto3" in newest["userAgent"].lower()
    assert newest["userIdentity"]["accountId"] == user["EC2_USER_ID"]
    assert "PRIVATE KEY" not in found[1]["CloudTrailEvent"]

    for key, value, count in [
        ("ResourceName", "trail-3", 1),
        ("AccessKeyId", "AKINOBODY", 0),
        ("EventId", found[0]["EventId"], 1),
        ("EventSource", "iam.amazonaws.com", 0),
    ]:
        events = trail.lookup_events(LookupAttributes=by(key, value))["Events"]
        assert len(events) == count, key
    other = client(cloud, cloud.add_user("other"), "cloudtrail")
    assert other.lookup_events(LookupAttributes=by("EventName", "CreateKeyPair"))["Events"] == []
    admin = client(cloud, cloud.administrator, "cloudtrail")
    assert len(admin.lookup_events(LookupAttributes=by("ResourceName", "trail-3"))["Events"]) == 1


def test_refusals_are_cloudtrails(cloud):
    user = cloud.add_user("refused")
    trail = client(cloud, user, "cloudtrail")
    for arguments, code in [
        ({"LookupAttributes": by("ResourceType", "x")}, "InvalidLookupAttributesException"),
        ({"NextToken": "x"}, "InvalidNextTokenException"),
        ({"StartTime": 2_000_000_000, "EndTime": 1_000_000_000}, "InvalidTimeRangeException"),
    ]:
        with pytest.raises(botocore.exceptions.ClientError) as told:
            trail.lookup_events(**arguments)
        assert told.value.response["Error"]["Code"] == code
    stranger = {"EC2_ACCESS_KEY": "AKINOBODY", "EC2_SECRET_KEY": "x"}
    with pytest.raises(botocore.exceptions.ClientError) as told:
        client(cloud, stranger, "cloudtrail").lookup_events()
    assert told.value.response["Error"]["Code"] == "InvalidClientTokenId"


def test_awscli_asks_where_eucarc_says(cloud):
    user = cloud.add_user("teller")
    clouds.aws(user, "ec2", "create-key-pair", "--key-name", "told")
    told = json.loads(clouds.aws(
        user, "cloudtrail", "lookup-events", "--lookup-attributes",
        "AttributeKey=EventName,AttributeValue=CreateKeyPair",
    ))
    (event,) = told["Events"]
    assert (event["EventName"], event["Username"]) == ("CreateKeyPair", "admin")
