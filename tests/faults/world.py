"""Clouds that are made to fail, and what must hold after each fault."""

import errno
import hashlib
import os
import pathlib
import random
import signal
import subprocess
import threading
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

import cloud as clouds
from cloud import wait_until
from wire import Wire

MIB = 1 << 20
SERVICES = ("clc", "walrus", "node-agent")
# What an answer that did not come, or did not say, looks like.
LOST = (BotoCoreError, ClientError, OSError)

# Refusals that say nothing of the thing itself: the same second, a change under way, or a cloud that does not
# know its nodes yet.
AGAIN = {"RequestLimitExceeded", "OperationAborted", "IncorrectInstanceState", "IncorrectState",
         "InsufficientInstanceCapacity", "SlowDown"}


def client(service, credentials):
    """A client that tries once: what is tried again is the test's to know."""
    return boto3.client(
        service, region_name="eucalyptus",
        endpoint_url=credentials["S3_URL" if service == "s3" else "EC2_URL"],
        aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
        config=Config(
            retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60,
            s3={"addressing_style": "path"}, max_pool_connections=32,
        ),
    )


def code(error):
    """The API's code, or None if there was no answer."""
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else None


def refused(error):
    """Whether the answer was a certain no."""
    return isinstance(error, ClientError) and error.response["ResponseMetadata"]["HTTPStatusCode"] < 500


class Call(threading.Thread):
    """A call under way. After `end()` it has a value or an error."""

    def __init__(self, work, *arguments, **named):
        super().__init__(daemon=True)
        self.work = lambda: work(*arguments, **named)
        self.value = self.error = None
        self.start()

    def run(self):
        try:
            self.value = self.work()
        except Exception as error:  # told by end()
            self.error = error

    def end(self, seconds=90):
        self.join(seconds)
        assert not self.is_alive(), "a call does not end"
        if self.error is not None and not isinstance(self.error, LOST):
            raise self.error
        return self.error is None


class World(clouds.Cloud):
    """A cloud with an image to launch and a memory of what was acknowledged."""

    extra = {}

    def configure(self):
        super().configure()
        for name, lines in self.extra.items():
            file = self.dir / f"etc/{name}.toml"
            file.write_text(lines + file.read_text())

    def data(self, name):
        return self.dir / {"node-agent": "node"}.get(name, name)

    def prepare(self):
        self.taro = self.add_user("taro")
        self.s3, self.ec2 = client("s3", self.taro), client("ec2", self.taro)
        # key → the digests that it may have; None for absence.
        self.objects = {}
        for kind in ("kernel", "ramdisk"):
            file = self.dir / kind
            file.write_bytes(kind.encode() * 5000)
            manifest, _ = clouds.bundle(self.administrator, file, self.dir / f"{kind}.bundle", f"--{kind}", "true")
            self.administrator.euca("upload-bundle", "-b", "boot", "-m", manifest)
            self.administrator.euca("register", f"boot/{manifest.name}", "-n", kind)
        self.image = self.register(self.bundle("base", 4))
        for image in self.administrator.euca("describe-images", "-a").split():
            if image.startswith(("eki-", "eri-", "emi-")):
                self.available(image)
        self.s3.create_bucket(Bucket="kept")
        self.wait_capacity()
        self.free = self.capacity()

    # --- images and instances

    def bundle(self, name, mebibytes):
        """Uploads a bundle of that much noise; gives its location."""
        file = self.dir / f"{name}.img"
        noise = bytearray(random.Random(name).randbytes(mebibytes * MIB))
        clouds.claim(noise)
        file.write_bytes(noise)
        manifest, _ = clouds.bundle(self.taro, file, self.dir / f"{name}.bundle")
        self.taro.euca("upload-bundle", "-b", f"image-{name}", "-m", manifest)
        return f"image-{name}/{manifest.name}"

    def register(self, location, name=None):
        return self.ec2.register_image(ImageLocation=location, Name=name or uuid.uuid4().hex)["ImageId"]

    def image_state(self, image):
        return self.seen(lambda: self.ec2.describe_images(ImageIds=[image])["Images"][0])

    def available(self, image, seconds=60):
        wait_until(
            lambda: (self.image_state(image) or {}).get("State") == "available",
            f"{image} is available", seconds, lambda: self.image_state(image),
        )

    def launch(self, token, image=None, count=1):
        run = self.ec2.run_instances(ImageId=image or self.image, MinCount=count, MaxCount=count, ClientToken=token)
        return [it["InstanceId"] for it in run["Instances"]]

    def seen(self, work):
        """What a question is answered, or None as long as it is not."""
        try:
            return work()
        except LOST:
            return None

    def instances(self):
        """State by id of all that are listed."""
        found = self.ec2.describe_instances()["Reservations"]
        return {it["InstanceId"]: it for reservation in found for it in reservation["Instances"]}

    def states(self, ids):
        listed = self.seen(self.instances) or {}
        return {id: listed.get(id, {}).get("State", {}).get("Name") for id in ids}

    def wait_state(self, ids, *wanted, seconds=60):
        wait_until(
            lambda: all(state in wanted for state in self.states(ids).values()),
            f"{ids} are {wanted}", seconds, lambda: self.states(ids),
        )

    def insist(self, work, *arguments, **named):
        """Asks until it is acknowledged, as a client that may repeat itself does."""
        found = []

        def asked():
            call = Call(work, *arguments, **named)
            if call.end():
                found.append(call.value)
            elif refused(call.error) and code(call.error) not in AGAIN:
                raise call.error
            return found

        wait_until(asked, "an acknowledgement", 60)
        return found[0]

    def terminate_all(self):
        ids = [id for id, it in self.insist(self.instances).items() if it["State"]["Name"] != "terminated"]
        if ids:
            self.insist(self.ec2.terminate_instances, InstanceIds=ids)
            self.wait_state(ids, "terminated")
        return ids

    def capacity(self):
        return self.administrator.euca("describe-availability-zones", "verbose")

    def wait_capacity(self):
        def there():
            try:
                told = self.capacity()
                return "m1.small" in told and "does not answer" not in told
            except AssertionError:
                return False
        wait_until(there, "the capacity is known")

    # --- objects

    def noise(self, mebibytes=1.0):
        return os.urandom(int(mebibytes * MIB))

    def put(self, key, body):
        """Puts an object and remembers what may be there."""
        digest = hashlib.sha256(body).hexdigest()
        return self.change(key, digest, lambda: self.s3.put_object(Bucket="kept", Key=key, Body=body))

    def delete(self, key):
        return self.change(key, None, lambda: self.s3.delete_object(Bucket="kept", Key=key))

    def change(self, key, digest, work):
        call = Call(work)
        before = self.objects.get(key, {None})
        # From now on, and not only when it has ended.
        self.objects[key] = before | {digest}
        if call.end():
            self.objects[key] = {digest}
        elif refused(call.error):
            self.objects[key] = before
        return call.error

    def put_parts(self, key, bodies, step=lambda name: None):
        """A multipart upload; `step` is told what comes next."""
        def work():
            step("begin")
            upload = self.s3.create_multipart_upload(Bucket="kept", Key=key)["UploadId"]
            parts = []
            for number, body in enumerate(bodies, 1):
                step("part")
                done = self.s3.upload_part(Bucket="kept", Key=key, UploadId=upload, PartNumber=number, Body=body)
                parts.append({"PartNumber": number, "ETag": done["ETag"]})
            step("complete")
            self.s3.complete_multipart_upload(
                Bucket="kept", Key=key, UploadId=upload, MultipartUpload={"Parts": parts})

        return self.change(key, hashlib.sha256(b"".join(bodies)).hexdigest(), work)

    def read(self, key):
        """An object's digest; None if there is none. Fails on one that is not whole."""
        try:
            got = self.s3.get_object(Bucket="kept", Key=key)
        except ClientError as error:
            if code(error) == "NoSuchKey":
                return None
            raise
        body = got["Body"].read()
        assert len(body) == got["ContentLength"]
        return hashlib.sha256(body).hexdigest()

    def check_objects(self):
        """Every object is one of those it may be; from here on it is that one."""
        for key, may_be in self.objects.items():
            found = self.insist(self.read, key)
            assert found in may_be, f"{key}: {found} is none of {may_be}"
            self.objects[key] = {found}
        listed = {it["Key"] for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket="kept")
                  for it in page.get("Contents", [])}
        assert listed == {key for key, may_be in self.objects.items() if may_be != {None}}

    # --- what must hold

    def staged(self):
        return sorted((self.data("walrus") / "objects/staging").iterdir())

    def blobs(self):
        return sum(1 for file in (self.data("walrus") / "objects/blobs").glob("??/*"))

    def named(self):
        """How many files objects and open uploads name, as their owners see them."""
        count = 0
        for owner in (self.taro, self.administrator):
            s3 = client("s3", owner)
            for bucket in (it["Name"] for it in s3.list_buckets()["Buckets"]):
                for page in s3.get_paginator("list_objects").paginate(Bucket=bucket):
                    # What is empty needs no file.
                    for it in (it for it in page.get("Contents", []) if it["Size"]):
                        _, _, parts = it["ETag"].strip('"').partition("-")
                        count += int(parts or 1)
                for upload in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
                    parts = s3.list_parts(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
                    count += len(parts.get("Parts", []))
        return count

    def folders(self):
        """The instances that have more on a node than the note that they ended."""
        return sorted({it.parent.name for node in self.dir.glob("node*") for it in node.glob("instances/*/*")
                       if it.name != "note.json"})

    def kill(self, name):
        """What a power cut does, and what a supervisor does then."""
        self.restart(name, signal.SIGKILL)

    def check_all(self):
        """Nothing acknowledged lost, nothing half-visible, nothing left over, no seat kept."""
        self.check_objects()
        living = {id for id, it in self.insist(self.instances).items() if it["State"]["Name"] != "terminated"}
        wait_until(lambda: set(self.folders()) == living, "the folders are those of the instances",
                   seen=lambda: (self.folders(), living))
        if not living:
            # The address of an instance that ended rests for a minute, and counts where addresses are the scarcest.
            wait_until(lambda: self.capacity() == self.free, "the capacity is back", 90,
                       lambda: (self.capacity(), self.free))
        assert not self.staged()

    def check_swept(self):
        """After the sweep that a start begins, the files are those that are named."""
        self.restart("walrus")
        expected = self.insist(self.named)
        wait_until(lambda: self.blobs() == expected, "only named files are left",
                   seen=lambda: (self.blobs(), expected))
        assert not list((self.data("walrus") / "cache").glob("*.partial"))


class Disks:
    """Small file systems, one a service, made and unmounted by the test. Needs root."""

    def __init__(self, folder, **mebibytes):
        self.folder, self.mounted = folder, []
        for name, size in mebibytes.items():
            (folder / name).mkdir(parents=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", folder / name], check=True)
            self.mounted.append(folder / name)

    def unmount(self):
        for path in self.mounted:
            subprocess.run(["umount", path], check=True)

    def leave(self, name, mebibytes):
        """Fills a disk until that much is free, while others may write on it, too."""
        path = self.folder / name
        with open(path / "filler", "ab", buffering=0) as file:
            while True:
                free = os.statvfs(path)
                size = free.f_bavail * free.f_frsize - int(mebibytes * MIB)
                if size <= 0:
                    return
                try:
                    file.write(bytes(min(size, MIB)))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def make_room(self, name):
        (self.folder / name / "filler").unlink(missing_ok=True)


class Narrow(World):
    """A cloud on small disks."""

    extra = {
        "clc": "store_reserve_mb = 8\n",
        "walrus": "store_reserve_mb = 8\nfree_space_reserve_mb = 16\n",
    }

    def __init__(self, folder, disks):
        self.disks = disks
        folder = pathlib.Path(folder)
        folder.mkdir()
        for name in ("clc", "walrus", "node"):
            (disks.folder / name / "data").mkdir()
            (folder / name).symlink_to(disks.folder / name / "data")
        super().__init__(folder)


class Apart(World):
    """A cloud of two nodes; each way between services is a wire."""

    def __init__(self, folder):
        self.wires = {}
        super().__init__(folder)

    def configure(self):
        self.ports["node2_in"] = clouds.free_ports(1)[0]
        for way, port in [("clc-node1", "node_in"), ("clc-walrus", "walrus_in"), ("walrus-clc", "clc_in"),
                          ("node-walrus", "walrus_in")]:
            self.wires[way] = Wire(self.ports[port])
        wires, etc = self.wires, self.dir / "etc"
        # The services' own listeners are where the wires end.
        self.extra = {"walrus": f'internal_url = "http://127.0.0.1:{wires["node-walrus"].port}"\n'}
        super().configure()

        def redirect(file, port, way):
            text = (etc / file).read_text()
            url = f'url = "http://127.0.0.1:{self.ports[port]}"'
            assert url in text
            (etc / file).write_text(text.replace(url, f'url = "http://127.0.0.1:{wires[way].port}"'))

        redirect("clc.toml", "node_in", "clc-node1")
        redirect("clc.toml", "walrus_in", "clc-walrus")
        redirect("walrus.toml", "clc_in", "walrus-clc")
        with open(etc / "clc.toml", "a") as file:
            file.write(f'[[nodes]]\nname = "node2"\nurl = "http://127.0.0.1:{self.ports["node2_in"]}"\n')
        text = (etc / "node-agent.toml").read_text()
        text = text.replace('"node1"', '"node2"').replace(f'"{self.dir}/node"', f'"{self.dir}/node2"')
        text = text.replace(f':{self.ports["node_in"]}"', f':{self.ports["node2_in"]}"')
        (etc / "node2.toml").write_text('subnet = "10.112.0.0/20"\n' + text)

    def raise_all(self):
        super().raise_all()
        self.start("node2")
        self.wait_healthy("node2")

    def close(self):
        for wire in self.wires.values():
            wire.close()
