"""The cloud of docker-compose.yml on a real engine, used from outside by awscli.

`scripts/test containers` has built the images and says by DOCKER_HOST where the engine is. The guest is real:
it prints on its console what the metadata service has answered it.
"""

import json
import os
import re
import subprocess
import sys

import pytest

import cloud as clouds

GUEST = clouds.BIN.parent / "guest"
PROJECT = f"eucalypt-test-{os.getpid()}"


class Composed:
    """The cloud, as `docker-compose up` makes it, on free ports."""

    def __init__(self, folder):
        self.folder = folder
        api, s3, console = clouds.free_ports(3)
        self.env = dict(os.environ, EUCALYPT_API_PORT=str(api), EUCALYPT_S3_PORT=str(s3))
        self.env["EUCALYPT_CONSOLE_PORT"] = str(console)
        self.env["COMPOSE_PROJECT_NAME"] = PROJECT
        self.api = f"http://127.0.0.1:{api}/services/compute"
        self.administrator = None

    def compose(self, *arguments):
        # 1.29 is a program of its own; later ones are a command of docker's.
        program = ["docker-compose"] if has("docker-compose") else ["docker", "compose"]
        done = subprocess.run(
            [*program, *arguments], cwd=clouds.ROOT, env=self.env, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def docker(self, *arguments):
        return clouds.run(["docker", *arguments], env=self.env)

    def container(self, service):
        return self.compose("ps", "-q", service).strip()

    def state(self, service):
        (found,) = json.loads(self.docker("inspect", self.container(service)))
        return found["State"]

    def is_healthy(self, service):
        return self.state(service).get("Health", {}).get("Status") == "healthy"

    def up(self):
        self.compose("up", "-d")
        for service in ("clc", "walrus", "node-1", "node-2"):
            clouds.wait_until(lambda: self.is_healthy(service), f"{service} is healthy", 120)
        folder = self.folder / "admin"
        self.docker("cp", f"{self.container('clc')}:/var/lib/eucalypt/clc/admin", folder)
        # Inside, the clc listens where it always does; outside it is seen where compose has put it.
        eucarc = folder / "eucarc"
        eucarc.write_text(eucarc.read_text().replace(":8773/", f":{self.env['EUCALYPT_API_PORT']}/"))
        self.administrator = clouds.Credentials(folder)

    def aws(self, *arguments):
        env = dict(self.administrator.env, AWS_ENDPOINT_URL_EC2=self.api, AWS_PAGER="")
        # awscli is a script of this Python's.
        program = os.path.join(os.path.dirname(sys.executable), "aws")
        return json.loads(clouds.run([program, "--output", "json", *arguments], env=env) or "{}")


def has(program):
    return any(os.access(os.path.join(folder, program), os.X_OK) for folder in os.environ["PATH"].split(":"))


@pytest.fixture(scope="module")
def composed(tmp_path_factory):
    cloud = Composed(tmp_path_factory.mktemp("composed"))
    try:
        cloud.up()
        yield cloud
    finally:
        cloud.compose("down", "--volumes", "--timeout", "15")


def register(cloud):
    admin, ids = cloud.administrator, {}
    for kind, file in (("kernel", "vmlinuz"), ("ramdisk", "initrd"), ("machine", "disk.img")):
        options = [] if kind == "machine" else [f"--{kind}", "true"]
        manifest, _ = clouds.bundle(admin, GUEST / file, cloud.folder / "bundles" / kind, *options)
        admin.euca("upload-bundle", "-b", "composed", "-m", manifest)
        answer = cloud.aws("ec2", "register-image", "--name", kind, "--image-location", f"composed/{manifest.name}")
        ids[kind] = answer["ImageId"]
    return ids["machine"]


def describe(cloud, instances):
    answer = cloud.aws("ec2", "describe-instances", "--instance-ids", *instances)
    found = [instance for group in answer["Reservations"] for instance in group["Instances"]]
    return {instance["InstanceId"]: instance for instance in found}


def test_a_cloud_in_containers(composed):
    image = register(composed)
    composed.aws("ec2", "create-key-pair", "--key-name", "composed")
    ran = composed.aws(
        "ec2", "run-instances", "--image-id", image, "--key-name", "composed", "--count", "2",
        "--instance-type", "m1.small",
    )
    instances = [instance["InstanceId"] for instance in ran["Instances"]]

    def console(instance):
        told = composed.aws("ec2", "get-console-output", "--instance-id", instance).get("Output", "")
        return told.replace("\r", "")

    def boots(instance):
        return console(instance).count(f"EUCALYPT-GUEST instance-id {instance}\n")

    for instance in instances:
        clouds.wait_until(lambda: boots(instance) == 1, f"{instance} has asked its metadata", 240, lambda: console(instance))
        assert re.search(r"EUCALYPT-GUEST public-key ssh-rsa \S+ composed\n", console(instance))
    assert {it["State"]["Name"] for it in describe(composed, instances).values()} == {"running"}

    # One node's container goes, and its guests with it: what they are stays known.
    def guests(service):
        listed = composed.docker("top", composed.container(service), "-eo", "pid,args")
        return [instance for instance in instances if instance in listed and "qemu-system" in listed]

    homes = {service: guests(service) for service in ("node-1", "node-2")}
    assert sorted(sum(homes.values(), [])) == sorted(instances), homes
    service = max(homes, key=lambda name: len(homes[name]))
    other = min(homes, key=lambda name: len(homes[name]))
    (stopped, *_), kept = homes[service], homes[other]
    composed.compose("stop", service)
    assert composed.state(service)["Status"] == "exited"
    away = describe(composed, instances)
    assert all(it["State"]["Name"] == "running" for it in away.values()), away

    composed.compose("start", service)
    clouds.wait_until(lambda: composed.is_healthy(service), f"{service} is healthy again", 120)
    # The guest boots anew from its own disk, and is answered again.
    clouds.wait_until(lambda: boots(stopped) >= 1 and guests(service), "the guest is started again", 120)
    clouds.wait_until(
        lambda: f"EUCALYPT-GUEST still {stopped} at " in console(stopped), "the guest is answered again", 240,
        lambda: console(stopped),
    )
    assert describe(composed, [stopped])[stopped]["State"]["Name"] == "running"
    assert guests(other) == kept, "the other node's guests are none of its business"

    composed.aws("ec2", "terminate-instances", "--instance-ids", *instances)

    def ended():
        return {it["State"]["Name"] for it in describe(composed, instances).values()} == {"terminated"}

    clouds.wait_until(ended, "all are terminated", 120)
