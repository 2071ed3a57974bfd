"""Temporary credentials in clients' hands: from STS and, by roles, from an instance's metadata."""

import base64
import contextlib
import hmac
import json
import os
import pathlib
import re
import socket
import socketserver
import struct
import threading
import time

import boto3
import pytest
import requests
from boto.s3.connection import OrdinaryCallingFormat, S3Connection
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.utils import InstanceMetadataFetcher

import cloud as clouds
import conftest
from test_boto2 import QueryV2, ec2 as ec2_of_boto2

ONCE = {"max_attempts": 1}


def client(credentials, service, given=None, version=None, unchecked=False, **more):
    """A client with what eucarc names and, if `given`, credentials of STS."""
    given = given or {}
    names = {"ec2": "EC2", "s3": "S3", "iam": "IAM", "sts": "STS"}
    return boto3.client(
        service, region_name="eucalyptus", endpoint_url=credentials[f"AWS_ENDPOINT_URL_{names[service]}"],
        aws_access_key_id=given.get("AccessKeyId", credentials["AWS_ACCESS_KEY_ID"]),
        aws_secret_access_key=given.get("SecretAccessKey", credentials["AWS_SECRET_ACCESS_KEY"]),
        aws_session_token=given.get("SessionToken"),
        config=Config(retries=ONCE, signature_version=version, s3={"addressing_style": "path"},
                      parameter_validation=not unchecked), **more,
    )


def refused(call, *args, **more):
    with pytest.raises(ClientError) as told:
        call(*args, **more)
    return told.value.response["Error"]["Code"]


def eventually(call, what):
    """What a call answers as soon as it is not refused any more: walrus hears of identity a moment later."""
    def tried():
        with contextlib.suppress(ClientError):
            return [call()]
    return clouds.wait_until(tried, what)[0]


@pytest.fixture(scope="module")
def session(user):
    return client(user, "sts").get_session_token(DurationSeconds=900)["Credentials"]


def policy(actions, resource="*"):
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(principal, **more):
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_session_of_ones_own_is_good_for_every_api(cloud, user, session):
    who = client(user, "sts", session).get_caller_identity()
    assert who["Account"] == user["EC2_USER_ID"] and who["Arn"].endswith(":user/admin")
    assert client(user, "ec2", session).describe_key_pairs()["KeyPairs"] == []
    info = client(user, "sts").get_access_key_info(AccessKeyId=session["AccessKeyId"])
    assert info["Account"] == user["EC2_USER_ID"]
    for version in ("s3v4", "s3"):
        s3 = client(user, "s3", session, version)
        bucket = f"of-a-session-{version}"
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="a b/é", Body=b"hello")
        assert s3.get_object(Bucket=bucket, Key="a b/é")["Body"].read() == b"hello"
        params = {"Bucket": bucket, "Key": "by url"}
        assert requests.put(s3.generate_presigned_url("put_object", Params=params), data=b"x").status_code == 200
        url = s3.generate_presigned_url("get_object", Params=params)
        assert requests.get(url).content == b"x"
        other = re.sub(r"(?i)(x-amz-security-token=)[^&]*", r"\1t", url)
        assert "<Code>InvalidToken</Code>" in requests.get(other).text
        without = re.sub(r"(?i)&?x-amz-security-token=[^&]*", "", url)
        assert "<Code>InvalidToken</Code>" in requests.get(without).text
        form = s3.generate_presigned_post(bucket, "by form")
        assert "x-amz-security-token" in form["fields"]
        sent = requests.post(form["url"], data=form["fields"], files={"file": ("f", b"formed")})
        assert sent.status_code == 204, sent.text
        assert s3.get_object(Bucket=bucket, Key="by form")["Body"].read() == b"formed"
        # Bodies in chunks, signed one by one.
        s3.put_object(Bucket=bucket, Key="summed", Body=b"y" * 100_000, ChecksumAlgorithm="CRC32")
        for key in ("a b/é", "by url", "by form", "summed"):
            s3.delete_object(Bucket=bucket, Key=key)
        s3.delete_bucket(Bucket=bucket)


def test_what_sessions_are_not_good_for(cloud, user, session):
    sts = client(user, "sts", session)
    assert refused(sts.get_session_token) == "AccessDenied"
    assert refused(client(user, "iam", session).list_users) == "InvalidClientTokenId"
    broken = {**session, "SessionToken": session["SessionToken"][:-4] + "AAAA"}
    assert refused(client(user, "ec2", broken).describe_key_pairs) == "AuthFailure"
    assert refused(client(user, "sts", broken).get_caller_identity) == "InvalidClientTokenId"
    assert refused(client(user, "s3", broken).list_buckets) == "InvalidToken"
    nobody = requests.get(user["S3_URL"] + "/any/key", headers={"x-amz-security-token": session["SessionToken"]})
    assert nobody.status_code == 400 and "<Code>InvalidToken</Code>" in nobody.text


def test_boto_2_signs_with_a_session(cloud, user, session):
    given = {"EC2_ACCESS_KEY": session["AccessKeyId"], "EC2_SECRET_KEY": session["SecretAccessKey"]}

    def with_token(kind):
        return lambda *args, **more: kind(*args, security_token=session["SessionToken"], **more)

    for connection in (boto2_ec2(), QueryV2):
        assert ec2_of_boto2(cloud, given, with_token(connection)).get_all_key_pairs() == []
    s3 = S3Connection(
        session["AccessKeyId"], session["SecretAccessKey"], security_token=session["SessionToken"],
        host="127.0.0.1", port=cloud.ports["walrus"], path="/services/Walrus", is_secure=False,
        calling_format=OrdinaryCallingFormat(),
    )
    bucket = s3.create_bucket("of-a-session-boto2")
    key = bucket.new_key("dir/key")
    key.set_contents_from_string(b"hello")
    assert requests.get(key.generate_url(60)).content == b"hello"
    assert key.get_contents_as_string() == b"hello"
    key.delete()
    s3.delete_bucket("of-a-session-boto2")


def boto2_ec2():
    from boto.ec2.connection import EC2Connection

    return EC2Connection


def test_awscli_takes_on_a_role_by_its_configuration(cloud, user, tmp_path):
    iam = client(user, "iam")
    account = user["EC2_USER_ID"]
    role = iam.create_role(
        RoleName="reader", AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{account}:root"}, Condition={
            "StringEquals": {"sts:ExternalId": "shared"}}),
    )["Role"]["Arn"]
    iam.put_role_policy(RoleName="reader", PolicyName="read", PolicyDocument=policy(
        ["s3:ListAllMyBuckets", "ec2:DescribeKeyPairs"]))
    sts = client(user, "sts")
    assert refused(sts.assume_role, RoleArn=role, RoleSessionName="work") == "AccessDenied"
    answer = sts.assume_role(RoleArn=role, RoleSessionName="work", ExternalId="shared", Policy=policy("s3:*"))
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{account}:assumed-role/reader/work"
    assert 0 < answer["PackedPolicySize"] <= 100
    taken = answer["Credentials"]
    eventually(client(user, "s3", taken).list_buckets, "walrus knows the role")
    assert refused(client(user, "ec2", taken).describe_key_pairs) == "UnauthorizedOperation"
    assert refused(client(user, "s3", taken).create_bucket, Bucket="by-a-reader") == "AccessDenied"

    config = tmp_path / "config"
    config.write_text(
        f"[profile work]\nrole_arn = {role}\nsource_profile = base\nexternal_id = shared\n"
        f"[profile base]\naws_access_key_id = {user['AWS_ACCESS_KEY_ID']}\n"
        f"aws_secret_access_key = {user['AWS_SECRET_ACCESS_KEY']}\n"
    )
    variables = {"AWS_CONFIG_FILE": str(config), "HOME": str(tmp_path), "AWS_PROFILE": "work"}
    env = {k: v for k, v in user.env.items() if k not in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}

    class Bare:
        pass

    bare = Bare()
    bare.env = env
    who = json.loads(clouds.aws(bare, "sts", "get-caller-identity", **variables))
    assert f":assumed-role/reader/" in who["Arn"]
    clouds.aws(bare, "ec2", "describe-key-pairs", **variables)


class Networked(clouds.Cloud):
    """A cloud whose guests are simulated and have their metadata sockets all the same."""

    def configure(self):
        super().configure()
        file = self.dir / "etc/node-agent.toml"
        file.write_text(file.read_text() + 'network = "user"\n')


@pytest.fixture(scope="module")
def networked(tmp_path_factory):
    cloud = Networked(tmp_path_factory.mktemp("networked"))
    try:
        cloud.raise_all()
        yield cloud
    finally:
        cloud.stop_all()


class Door(socketserver.ThreadingTCPServer):
    """What QEMU does between a guest and its metadata socket: each connection is carried there. Clients that
    are sent to another address than 169.254.169.254 name that, which the service would not answer."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, folder):
        self.folder = folder
        super().__init__(("127.0.0.1", 0), Carry)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Carry(socketserver.StreamRequestHandler):
    def handle(self):
        head = []
        while (line := self.rfile.readline()).strip():
            name = line.split(b":")[0].lower()
            if name not in (b"host", b"connection"):
                head.append(line)
        if not head:
            return
        head += [b"host: 169.254.169.254\r\n", b"connection: close\r\n", b"\r\n"]
        folder = os.open(self.server.folder, os.O_PATH)
        try:
            with socket.socket(socket.AF_UNIX) as guest:
                guest.connect(f"/proc/self/fd/{folder}/metadata.sock")
                guest.sendall(b"".join(head))
                while piece := guest.recv(65536):
                    self.wfile.write(piece)
        finally:
            os.close(folder)


@pytest.fixture(scope="module")
def machine(networked, disk, tmp_path_factory):
    """An instance whose profile has a role."""
    folder = tmp_path_factory.mktemp("machine")
    conftest.boot_files(networked, folder)
    user = networked.add_user("hanako")
    manifest, _ = clouds.bundle(user, disk, folder / "disk.bundle")
    user.euca("upload-bundle", "-b", "machines", "-m", manifest)
    image = user.euca("register", f"machines/{manifest.name}", "-n", "disk").split()[1]
    iam = client(user, "iam")
    for name in ("reader", "writer"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
        iam.create_instance_profile(InstanceProfileName=f"{name}s")
        iam.add_role_to_instance_profile(InstanceProfileName=f"{name}s", RoleName=name)
    iam.put_role_policy(RoleName="reader", PolicyName="read", PolicyDocument=policy(
        ["s3:ListAllMyBuckets", "ec2:DescribeInstances"]))
    printed = user.euca("run-instances", image, "-p", "readers")
    line = next(line for line in printed.splitlines() if line.startswith("INSTANCE"))
    assert f"arn:aws:iam::{user['EC2_USER_ID']}:instance-profile/readers" in line.split("\t")
    instance = line.split("\t")[1]
    clouds.wait_until(
        lambda: "\trunning\t" in user.euca("describe-instances", instance), f"{instance} runs",
    )
    door = Door(networked.dir / "node/instances" / instance)
    try:
        yield user, instance, door
    finally:
        door.shutdown()
        door.server_close()


def test_boto3_finds_the_role_of_its_instance(networked, machine, monkeypatch):
    user, instance, door = machine
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", door.url)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    session = boto3.Session(region_name="eucalyptus")
    found = session.get_credentials()
    assert found.method == "iam-role"
    sts = session.client("sts", endpoint_url=user["AWS_ENDPOINT_URL_STS"])
    who = sts.get_caller_identity()
    assert who["Arn"] == f"arn:aws:sts::{user['EC2_USER_ID']}:assumed-role/reader/{instance}"
    ec2 = session.client("ec2", endpoint_url=user["AWS_ENDPOINT_URL_EC2"])
    mine = ec2.describe_instances()["Reservations"][0]["Instances"][0]
    assert mine["IamInstanceProfile"]["Arn"].endswith(":instance-profile/readers")
    assert refused(ec2.describe_images) == "UnauthorizedOperation"
    s3 = session.client("s3", endpoint_url=user["AWS_ENDPOINT_URL_S3"])
    eventually(s3.list_buckets, "walrus knows the role")
    assert refused(s3.create_bucket, Bucket="by-a-guest") == "AccessDenied"
    fetched = InstanceMetadataFetcher(base_url=door.url, num_attempts=1).retrieve_iam_role_credentials()
    assert fetched["role_name"] == "reader" and fetched["expiry_time"].endswith("Z")
    info = requests.get(f"{door.url}/latest/meta-data/iam/info").json()
    assert info["Code"] == "Success" and info["InstanceProfileId"].startswith("AIPA")


def test_a_profile_is_exchanged_and_taken_away_below_a_running_instance(networked, machine):
    user, instance, door = machine
    ec2 = client(user, "ec2")
    all_of = lambda: ec2.describe_iam_instance_profile_associations(
        Filters=[{"Name": "instance-id", "Values": [instance]}])["IamInstanceProfileAssociations"]
    roles = lambda: requests.get(f"{door.url}/latest/meta-data/iam/security-credentials/")
    (before,) = all_of()
    assert (before["State"], roles().text) == ("associated", "reader")
    exchanged = ec2.replace_iam_instance_profile_association(
        IamInstanceProfile={"Name": "writers"}, AssociationId=before["AssociationId"],
    )["IamInstanceProfileAssociation"]
    clouds.wait_until(lambda: roles().text == "writer", "the guest has the other role", 10)
    ec2.disassociate_iam_instance_profile(AssociationId=exchanged["AssociationId"])
    clouds.wait_until(lambda: roles().status_code == 404, "the guest has none", 10)
    assert all_of() == []
    given = ec2.associate_iam_instance_profile(IamInstanceProfile={"Name": "readers"}, InstanceId=instance)
    assert given["IamInstanceProfileAssociation"]["State"] == "associating"
    clouds.wait_until(lambda: roles().text == "reader", "the guest has it again", 10)

    # A restarted node has it from its disk, though the clc is away; and no log has any secret.
    networked.stop("clc")
    networked.restart("node-agent")
    clouds.wait_until(lambda: roles().text == "reader", "the next agent knows it")
    secret = requests.get(f"{door.url}/latest/meta-data/iam/security-credentials/reader").json()
    kept = networked.dir / "node/instances" / instance / "spec.json"
    assert secret["SecretAccessKey"] in kept.read_text() and kept.stat().st_mode & 0o777 == 0o600
    networked.start("clc")
    networked.wait_healthy("clc")
    for log in pathlib.Path(networked.dir).glob("*.log"):
        text = log.read_text(errors="replace")
        assert secret["SecretAccessKey"] not in text and secret["Token"] not in text, log
    ec2.terminate_instances(InstanceIds=[instance])
    clouds.wait_until(lambda: not kept.exists(), "nothing of it is kept")


def code_of(seed, step):
    """What a device with that secret shows at that step of time (RFC 6238)."""
    secret = base64.b32decode(seed)
    digest = hmac.new(secret, struct.pack(">Q", step), "sha1").digest()
    at = digest[19] & 15
    return f"{(int.from_bytes(digest[at:at + 4]) & 0x7FFFFFFF) % 1_000_000:06}"


def test_policies_demand_a_second_factor(cloud, user):
    iam = client(user, "iam")
    iam.create_user(UserName="mina")
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName="minas", Tags=[{"Key": "kind", "Value": "phone"}])
    device = made["VirtualMFADevice"]
    serial, seed = device["SerialNumber"], device["Base32StringSeed"]
    assert device["QRCodePNG"].startswith(b"\x89PNG\r\n\x1a\n") and device["Tags"][0]["Key"] == "kind"
    unassigned = iam.list_virtual_mfa_devices(AssignmentStatus="Unassigned")["VirtualMFADevices"]
    assert [it["SerialNumber"] for it in unassigned] == [serial]
    now = int(time.time()) // 30
    both = {"AuthenticationCode1": code_of(seed, now - 2), "AuthenticationCode2": code_of(seed, now - 1)}
    iam.enable_mfa_device(UserName="mina", SerialNumber=serial, **both)
    assigned = iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"]
    assert [it["User"]["UserName"] for it in assigned] == ["mina"]
    assert iam.get_mfa_device(SerialNumber=serial, UserName="mina")["UserName"] == "mina"
    iam.tag_mfa_device(SerialNumber=serial, Tags=[{"Key": "team", "Value": "a"}])
    iam.untag_mfa_device(SerialNumber=serial, TagKeys=["kind"])
    assert iam.list_mfa_device_tags(SerialNumber=serial)["Tags"] == [{"Key": "team", "Value": "a"}]
    assert refused(iam.resync_mfa_device, UserName="mina", SerialNumber=serial, **both) == "InvalidAuthenticationCode"

    with_factor = {"Bool": {"aws:MultiFactorAuthPresent": "true"}, "NumericLessThan": {"aws:MultiFactorAuthAge": "900"}}
    statement = {"Effect": "Allow", "Action": ["s3:*", "ec2:DescribeKeyPairs", "iam:GetUser"], "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Condition": with_factor}]})
    iam.put_user_policy(UserName="mina", PolicyName="strong", PolicyDocument=text)
    arn = f"arn:aws:iam::{user['EC2_USER_ID']}:user/mina"
    role = iam.create_role(RoleName="vault", AssumeRolePolicyDocument=trust({"AWS": arn}, Condition={
        "Bool": {"aws:MultiFactorAuthPresent": "true"}}))["Role"]["Arn"]
    iam.put_role_policy(RoleName="vault", PolicyName="strong", PolicyDocument=text)
    key = iam.create_access_key(UserName="mina")["AccessKey"]
    own = {**user.env, "AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    sts = client(own, "sts")
    eventually(lambda: client(own, "sts").get_caller_identity(), "the key is known")

    weak = sts.get_session_token()["Credentials"]
    assert refused(client(own, "ec2", weak).describe_key_pairs) == "UnauthorizedOperation"
    eventually(lambda: client(user, "s3").list_buckets(), "walrus answers")
    assert refused(client(own, "s3", weak).list_buckets) == "AccessDenied"
    shown = {"SerialNumber": serial, "TokenCode": code_of(seed, int(time.time()) // 30)}
    assert refused(sts.assume_role, RoleArn=role, RoleSessionName="work") == "AccessDenied"
    strong = sts.get_session_token(**shown)["Credentials"]
    assert client(own, "ec2", strong).describe_key_pairs()["KeyPairs"] is not None
    assert client(own, "iam", strong).get_user()["User"]["UserName"] == "mina"
    s3 = client(own, "s3", strong)
    eventually(s3.list_buckets, "walrus knows the user's policy")
    assert refused(sts.get_session_token, **shown) == "AccessDenied", "a code is good once"

    # A role by the session, and one by the next code.
    taken = client(own, "sts", strong).assume_role(RoleArn=role, RoleSessionName="work")["Credentials"]
    eventually(client(own, "s3", taken).list_buckets, "walrus knows the role")
    shown["TokenCode"] = code_of(seed, int(time.time()) // 30 + 1)
    taken = sts.assume_role(RoleArn=role, RoleSessionName="work", **shown)["Credentials"]
    assert client(own, "s3", taken).list_buckets()["Buckets"] is not None

    iam.deactivate_mfa_device(UserName="mina", SerialNumber=serial)
    iam.delete_virtual_mfa_device(SerialNumber=serial)
    with pytest.raises(ClientError) as told:
        iam.get_mfa_device(SerialNumber=serial, UserName="mina")
    assert told.value.response["Error"]["Code"] == "NoSuchEntity"


def test_iam_names_the_parameter_that_is_wrong(cloud, user):
    iam = client(user, "iam", unchecked=True)
    with pytest.raises(ClientError) as told:
        iam.create_user()
    error = told.value.response["Error"]
    assert error["Code"] == "ValidationError" and "'userName'" in error["Message"]
    assert told.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
