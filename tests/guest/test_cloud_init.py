"""cloud-init of Debian's package in a real guest: it knows the platform by the machine's DMI data, and its
Ec2 datasource finds the metadata by both versions of the protocol, on a tap and in QEMU's own network.

Runs as root with QEMU, in a network namespace that `scripts/test guest` makes.
"""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess

import boto3
import pytest
from botocore.config import Config

import cloud as clouds
from user_cloud import USER, UserCloud

# Made by scripts/cloud-init-guest before, because a namespace reaches no package archive.
GUEST = clouds.BIN.parent / "guest"


@pytest.fixture(scope="module", params=["tap", "user"])
def real(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    cloud = UserCloud(folder) if request.param == "user" else clouds.Cloud(folder, driver="qemu")
    try:
        cloud.raise_all()
        yield cloud
    finally:
        cloud.stop_all()
        for pid in cloud.guests():
            os.kill(pid, signal.SIGKILL)
        if request.param == "user":
            clouds.wait_until(lambda: not cloud.guests(), "the guests have ended")
            cloud.clear()


def register(cloud):
    admin = cloud.administrator
    for kind, file in (("kernel", "vmlinuz"), ("ramdisk", "initrd"), ("machine", "cloud-init.img")):
        options = [] if kind == "machine" else [f"--{kind}", "true"]
        manifest, _ = clouds.bundle(admin, GUEST / file, cloud.dir / "bundles" / kind, *options)
        admin.euca("upload-bundle", "-b", "real", "-m", manifest)
        registered = admin.euca("register", f"real/{manifest.name}", "-n", kind).split()[1]
    return registered


def ec2(cloud):
    admin = cloud.administrator
    return boto3.client(
        "ec2", endpoint_url=admin["AWS_ENDPOINT_URL_EC2"], region_name="eucalyptus",
        aws_access_key_id=admin["AWS_ACCESS_KEY_ID"], aws_secret_access_key=admin["AWS_SECRET_ACCESS_KEY"],
        config=Config(proxies={}, retries={"total_max_attempts": 1}),
    )


def test_cloud_init_accepts_the_platform_and_its_metadata(real):
    image, api = register(real), ec2(real)
    public = " ".join(public_key(api).split()[:2])
    made = api.run_instances(ImageId=image, MinCount=1, MaxCount=1, KeyName="real")["Instances"][0]
    instance = made["InstanceId"]

    def console():
        return real.administrator.euca("get-console-output", instance).replace("\r", "")

    clouds.wait_until(lambda: "EUCALYPT-CLOUD-INIT done" in console(), "cloud-init is done", 150)
    said = console()
    shown = api.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert f"EUCALYPT-GUEST address {shown['PrivateIpAddress']}\n" in said, said
    assert "EUCALYPT-CLOUD-INIT ds-identify datasource_list: [ Ec2, None ]\n" in said, said
    for protocol, platform, token in (("v2", "aws", "yes"), ("v1", "unknown", "no")):
        line = re.search(rf"EUCALYPT-CLOUD-INIT {protocol} (.*)", said)
        assert line, said
        assert line.group(1).startswith(f"platform={platform} token={token} instance-id={instance} "), said
        assert f"zone=eucalyptus-1a region=eucalyptus{'' if token == 'yes' else '-1'} " in line.group(1), said
        assert f"key={public}" in line.group(1), said

    # Whoever asks for tokens to be required gets that at once, in the guest that runs.
    clouds.wait_until(lambda: "plain read 200" in console(), "a read without a token is answered", 30)
    told = api.modify_instance_metadata_options(InstanceId=instance, HttpTokens="required")
    assert told["InstanceMetadataOptions"]["HttpTokens"] == "required"
    clouds.wait_until(lambda: "plain read 401" in console(), "a read without a token is refused", 30)
    shown = api.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert shown["MetadataOptions"]["State"] == "applied"

    if isinstance(real, UserCloud):
        of_nobody(real, instance, shown["PrivateIpAddress"])
    api.terminate_instances(InstanceIds=[instance])
    clouds.wait_until(lambda: not real.guests(), "the guest's process has ended", 60)


def of_nobody(cloud, instance, address):
    """The guest is an ordinary user's, in the sandbox, and its port 22 is where the log says."""
    (guest,) = cloud.guests()
    assert pathlib.Path(f"/proc/{guest}").owner() == USER
    status = pathlib.Path(f"/proc/{guest}/status").read_text()
    for line in (r"Seccomp:\s2", r"CapEff:\s0+", r"NoNewPrivs:\s1"):
        assert re.search(f"^{line}$", status, re.M), status
    log = (cloud.dir / "node-agent.log").read_text()
    port = int(re.search(rf"instance={instance} port=(\d+)", re.sub(r"\x1b\[[0-9;]*m", "", log)).group(1))
    assert port == 20000 + int(address.split(".")[2]) * 256 + int(address.split(".")[3]) - 64 * 256
    socket.create_connection(("127.0.0.1", port), timeout=5).close()
    # The way of its metadata outlives the agent.
    before = console_reads(cloud, instance)
    cloud.restart("node-agent", signal.SIGKILL)
    assert cloud.guests() == [guest]
    clouds.wait_until(
        lambda: "200" in console_reads(cloud, instance)[len(before):]
        or "401" in console_reads(cloud, instance)[len(before):],
        "its metadata answers again", 60,
    )


def console_reads(cloud, instance):
    text = cloud.administrator.euca("get-console-output", instance)
    return re.findall(r"EUCALYPT-GUEST plain read (\d*)", text)


def public_key(api):
    material = api.create_key_pair(KeyName="real")["KeyMaterial"]
    done = subprocess.run(
        ["ssh-keygen", "-y", "-f", "/dev/stdin"], input=material, capture_output=True, text=True
    )
    if done.returncode == 0:
        return done.stdout
    return json.dumps(done.stderr)
