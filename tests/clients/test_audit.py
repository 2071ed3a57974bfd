"""boto3's CloudTrail client against the clc: what was done is found, in pages, and only one's own."""

import datetime
import json
import signal
import threading
import urllib.request

import boto3
import botocore.config
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


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A cloud of its own, whose walrus records operations on objects, too."""
    cloud = clouds.Cloud(tmp_path_factory.mktemp("recorded"))
    config = cloud.dir / "etc/walrus.toml"
    config.write_text('audit_data_events = "all"\n' + config.read_text())
    try:
        cloud.raise_all()
        yield cloud
    finally:
        cloud.stop_all()


def s3_of(cloud, user, **config):
    settings = botocore.config.Config(
        retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, connect_timeout=2, read_timeout=5, **config
    )
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{cloud.ports['walrus']}",
        region_name="eucalyptus",
        aws_access_key_id=user["EC2_ACCESS_KEY"],
        aws_secret_access_key=user["EC2_SECRET_KEY"],
        config=settings,
    )


def host(cloud, *arguments):
    """What `clc admin` prints on the clc's host."""
    return clouds.run([clouds.BIN / "clc", "admin", *arguments, "--config", cloud.dir / "etc/clc.toml"])


def all_events(trail, *attributes, **arguments):
    wanted = [one for key, value in attributes for one in by(key, value)]
    pages = trail.get_paginator("lookup_events").paginate(LookupAttributes=wanted, **arguments)
    return [event for page in pages for event in page["Events"]]


def test_what_is_asked_of_s3_is_found_beside_the_rest(recorded):
    user = recorded.add_user("storing")
    s3, ec2, trail = s3_of(recorded, user), client(recorded, user, "ec2"), client(recorded, user, "cloudtrail")
    s3.create_bucket(Bucket="trail")
    ec2.create_key_pair(KeyName="between")
    s3.put_object(Bucket="trail", Key="a/b", Body=b"bytes")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "trail", "Key": "a/b"})
    assert urllib.request.urlopen(url).read() == b"bytes"
    with pytest.raises(botocore.exceptions.ClientError):
        s3.put_bucket_versioning(Bucket="trail", VersioningConfiguration={"Status": "Enabled"})

    clouds.wait_until(lambda: all_events(trail, ("EventName", "GetObject")), "the read is on record")
    found = all_events(trail, PaginationConfig={"PageSize": 2})
    names = [event["EventName"] for event in found if event["EventName"] != "LookupEvents"]
    assert names == ["PutBucketVersioning", "GetObject", "PutObject", "CreateKeyPair", "CreateBucket"]
    events = {event["EventName"]: json.loads(event["CloudTrailEvent"]) for event in found}
    assert events["GetObject"]["additionalEventData"]["AuthenticationMethod"] == "QueryString"
    assert not events["GetObject"]["managementEvent"] and events["CreateBucket"]["managementEvent"]
    assert events["PutObject"]["requestParameters"]["key"] == "a/b"
    assert events["PutBucketVersioning"]["errorCode"] == "NotImplemented"
    signature = url.partition("Signature=")[2].partition("&")[0]
    assert signature and signature not in json.dumps(events)
    put = next(event for event in found if event["EventName"] == "PutObject")
    assert put["EventSource"] == "s3.amazonaws.com"
    assert {one["ResourceType"] for one in put["Resources"]} == {"AWS::S3::Object", "AWS::S3::Bucket"}
    for name in ("arn:aws:s3:::trail/a/b", "trail/a/b", "a/b"):
        assert len(all_events(trail, ("ResourceName", name))) == 2, name
    assert len(all_events(trail, ("EventSource", "s3.amazonaws.com"), ("ReadOnly", "false"))) == 3
    assert all_events(trail, ("AccountId", recorded.administrator["EC2_USER_ID"])) == []


def test_the_command_prints_what_the_host_prints(recorded):
    user = recorded.add_user("listing")
    s3_of(recorded, user).create_bucket(Bucket="listed")
    ours = ["--account", user["EC2_USER_ID"], "--action", "CreateBucket"]
    there = recorded.administrator.euca("admin", "audit", *ours)
    assert there == host(recorded, "audit", *ours) and there.count("\n") == 1
    assert "\ts3:CreateBucket\t" in there and "\tarn:aws:s3:::listed\t" in there
    assert user.euca("audit", "--action", "CreateBucket") == there
    assert recorded.administrator.euca("admin", "audit", "--resource", "listed", "--service", "ec2") == ""


def test_what_the_administrator_of_the_host_does_is_on_record(recorded):
    recorded.add_user("hosted")
    host(recorded, "disable-user", "hosted")
    host(recorded, "enable-user", "hosted")
    host(recorded, "modify-property", "-p", "walrus.storagemaxcachesizeinmb=1234")
    refused = [clouds.BIN / "clc", "admin", "enable-user", "nobody", "--config", recorded.dir / "etc/clc.toml"]
    with pytest.raises(AssertionError):
        clouds.run(refused)
    lines = host(recorded, "audit", "--service", "clc", "--json").splitlines()
    changes = [event for event in map(json.loads, lines) if not event["read_only"]][:5]
    assert [event["action"] for event in changes] == [
        "EnableUser", "ChangeSetting", "EnableUser", "EnableUser", "RegisterUser",
    ]
    assert changes[0]["failure"]["code"] and changes[0]["parameters"]["name"] == "nobody"
    assert changes[1]["parameters"] == {"name": "walrus.storagemaxcachesizeinmb", "value": "1234"}
    assert [changes[2]["parameters"]["enabled"], changes[3]["parameters"]["enabled"]] == ["true", "false"]
    for event in changes:
        assert event["actor"]["name"] == "host" and event["source"] == "host" and event["agent"] == "clc admin"
    looked = host(recorded, "audit", "--action", "LookAudit", "--limit", "1")
    assert "\tclc:LookAudit\t" in looked, "whoever reads the log is in it"


def test_without_walrus_no_look_up_pretends_to_be_whole(recorded):
    trail = client(recorded, recorded.administrator, "cloudtrail")
    recorded.stop("walrus")
    try:
        with pytest.raises(botocore.exceptions.ClientError) as told:
            trail.lookup_events()
        assert "Walrus does not answer" in told.value.response["Error"]["Message"]
        assert all_events(trail, ("EventSource", "clc"))
        done = clouds.subprocess.run(
            [clouds.BIN / "walrus", "audit", "check", "--config", recorded.dir / "etc/walrus.toml"],
            capture_output=True, text=True, timeout=60,
        )
        assert done.returncode == 0 and done.stdout.count("\tok\n") == 2, done
    finally:
        recorded.start("walrus")
        recorded.wait_healthy("walrus")


def test_what_was_acknowledged_is_on_record_after_each_kill(recorded):
    user = recorded.add_user("killed")
    done, stopped = set(), threading.Event()

    def work(number):
        s3, ec2 = s3_of(recorded, user), client(recorded, user, "ec2")
        count = 0
        while not stopped.is_set():
            count += 1
            name = f"kill-{number}-{count}"
            for call, what in [
                (lambda: s3.create_bucket(Bucket=name), f"arn:aws:s3:::{name}"),
                (lambda: s3.put_object(Bucket=name, Key="key", Body=b"x"), f"arn:aws:s3:::{name}/key"),
                (lambda: ec2.create_key_pair(KeyName=name), f":key-pair/{name}"),
            ]:
                try:
                    call()
                    done.add(what)
                except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError):
                    stopped.wait(0.05)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for worker in workers:
        worker.start()
    try:
        for service in ["walrus", "clc", "walrus", "clc"]:
            before = len(done)
            clouds.wait_until(lambda before=before: len(done) > before + 12, "calls are answered", 60)
            recorded.restart(service, signal.SIGKILL)
    finally:
        stopped.set()
        for worker in workers:
            worker.join()
    lines = host(recorded, "audit", "--account", user["EC2_USER_ID"], "--limit", "100000", "--json")
    named = {name for line in lines.splitlines() for name in json.loads(line).get("resources", [])}
    missing = {what for what in done if what not in named and not any(name.endswith(what) for name in named)}
    assert not missing and len(done) > 48, missing
    logs = host(recorded, "audit", "--verify").splitlines()
    assert [line.split("\t")[1] for line in logs] == ["clc", "clc-reads", "walrus", "walrus-reads"]
    assert all(line.endswith("\tok") for line in logs), logs


def test_awscli_asks_where_eucarc_says(cloud):
    user = cloud.add_user("teller")
    clouds.aws(user, "ec2", "create-key-pair", "--key-name", "told")
    told = json.loads(clouds.aws(
        user, "cloudtrail", "lookup-events", "--lookup-attributes",
        "AttributeKey=EventName,AttributeValue=CreateKeyPair",
    ))
    (event,) = told["Events"]
    assert (event["EventName"], event["Username"]) == ("CreateKeyPair", "admin")
