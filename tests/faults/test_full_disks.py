"""Full disks, under uploads, the image cache, the records and a node. They are small file systems: needs root."""

import http.client
import urllib.parse
import uuid

import pytest

from cloud import wait_until
from world import MIB, Call, code, client


@pytest.fixture(autouse=True)
def room(narrow):
    """Whatever a test filled is empty again after it."""
    yield
    for name in ("clc", "walrus", "node"):
        narrow.disks.make_room(name)


def alive(world):
    for name, process in world.processes.items():
        assert process.poll() is None, f"{name} has ended:\n{world.log(name)}"


def test_full_while_uploading(narrow, told):
    old, new = narrow.noise(1), narrow.noise(24)
    assert narrow.put("upload", old) is None
    url = narrow.s3.generate_presigned_url("put_object", Params={"Bucket": "kept", "Key": "upload"}, ExpiresIn=600)
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    connection.putrequest("PUT", f"{parts.path}?{parts.query}")
    connection.putheader("Content-Length", str(len(new)))
    connection.endheaders(new[: 8 * MIB])
    wait_until(narrow.staged, "the upload is under way")
    # There was room when it began, and there is none now.
    narrow.disks.leave("walrus", 0)
    try:
        connection.send(new[8 * MIB:])
    except OSError:
        pass  # The answer may be there already.
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.status >= 500 and "<Code>" in text, (answer.status, text)
    assert narrow.read("upload") in narrow.objects["upload"]
    error = narrow.put("refused", narrow.noise(1))
    assert code(error) in ("InsufficientStorageCapacity", "ServiceUnavailable", "SlowDown", "InternalError"), error
    wait_until(lambda: not narrow.staged(), "nothing half is kept")
    alive(narrow)
    narrow.disks.make_room("walrus")
    assert narrow.put("upload", new) is None
    assert narrow.put("refused", old) is None
    narrow.delete("upload")
    narrow.check_all()
    refusal = text.split("<Code>")[1].split("<")[0]
    told("disk full while an object is uploaded", "the disk is filled behind 8 of 24 MiB",
         f"HTTP {answer.status} {refusal}, the next upload {code(error)}; the old object whole, staging empty; "
         "uploads again once there is room, without a restart")


def test_full_while_unpacking(narrow, told):
    location = narrow.bundle("unpack", 24)
    narrow.disks.leave("walrus", 28)
    image = narrow.register(location)
    ids = narrow.launch(uuid.uuid4().hex, image)

    def reason():
        return narrow.instances()[ids[0]].get("StateReason", {}).get("Message", "")

    said = wait_until(reason, "the launch says what it waits for")
    assert narrow.image_state(image)["State"] == "pending" and narrow.states(ids) == {ids[0]: "pending"}
    assert not list((narrow.data("walrus") / "cache").glob("*.partial"))
    alive(narrow)
    narrow.disks.make_room("walrus")
    narrow.available(image)
    narrow.wait_state(ids, "running")
    narrow.terminate_all()
    narrow.insist(narrow.ec2.deregister_image, ImageId=image)
    for key in narrow.s3.list_objects(Bucket="image-unpack")["Contents"]:
        narrow.s3.delete_object(Bucket="image-unpack", Key=key["Key"])
    narrow.check_all()
    told("disk full while an image is unpacked", "28 MiB left, of which 16 are reserved, for 24 MiB of image",
         f"image and launch stay pending, “{said}”; both went on by themselves once there was room")


def test_no_room_in_the_store_of_walrus(narrow, told):
    assert narrow.put("before", b"kept") is None
    narrow.disks.leave("walrus", 4)
    error = narrow.put("store", b"little")
    assert code(error) is not None and not code(error).startswith("No"), error
    assert narrow.read("before") is not None and narrow.read("store") is None
    assert narrow.delete("before") is None, "what makes room is done"
    alive(narrow)
    narrow.disks.make_room("walrus")
    assert narrow.put("store", b"little") is None
    narrow.check_all()
    told("no room for walrus' records", "4 MiB left, 8 are reserved for them",
         f"PutObject {code(error)}; reading and deleting go on; all goes on once there is room")


def test_no_room_in_the_store_of_the_clc(narrow, told):
    ids = narrow.launch(uuid.uuid4().hex)
    narrow.wait_state(ids, "running")
    narrow.insist(narrow.ec2.stop_instances, InstanceIds=ids)
    narrow.wait_state(ids, "stopped")
    before = narrow.capacity()
    narrow.disks.leave("clc", 4)
    tokens = [uuid.uuid4().hex for _ in range(3)]
    calls = [Call(narrow.launch, token) for token in tokens]
    calls.append(Call(narrow.ec2.start_instances, InstanceIds=ids))
    calls.append(Call(narrow.ec2.create_key_pair, KeyName="full"))
    for call in calls:
        assert not call.end() and code(call.error) in ("Unavailable", "ServiceUnavailable"), (call.value, call.error)
    assert narrow.states(ids) == {ids[0]: "stopped"}
    assert narrow.capacity() == before, "a launch that was refused has kept its seat"
    alive(narrow)
    narrow.disks.make_room("clc")
    for token in tokens:
        ids += narrow.insist(narrow.launch, token)
    narrow.insist(narrow.ec2.start_instances, InstanceIds=ids[:1])
    narrow.ec2.create_key_pair(KeyName="full")
    narrow.wait_state(ids, "running")
    narrow.terminate_all()
    narrow.check_all()
    told("no room for the clc's records", "4 MiB left, 8 are reserved for them",
         f"RunInstances, StartInstances, CreateKeyPair {code(calls[0].error)}; reads go on, no seat is kept; "
         "all goes on once there is room")


def test_a_full_node(narrow, told):
    image = narrow.register(narrow.bundle("node", 16))
    narrow.available(image)
    narrow.disks.leave("node", 8)
    ids = narrow.launch(uuid.uuid4().hex, image)

    def reason():
        return narrow.instances()[ids[0]].get("StateReason", {}).get("Message", "")

    said = wait_until(reason, "the launch says what it waits for")
    assert narrow.states(ids) == {ids[0]: "pending"}
    alive(narrow)
    narrow.disks.make_room("node")
    narrow.wait_state(ids, "running")
    narrow.terminate_all()
    narrow.insist(narrow.ec2.deregister_image, ImageId=image)
    narrow.check_all()
    told("disk full on a node", "8 MiB left for an image of 16 MiB", f"the launch stays pending, “{said}”; "
         "it ran once there was room")


@pytest.mark.parametrize("service", ["clc", "walrus"])
def test_a_store_that_the_disk_refused(narrow, told, service):
    """Without a reserve a write fails in its middle: the store takes no more, and the service begins anew."""
    file = narrow.dir / f"etc/{service}.toml"
    text = file.read_text()
    file.write_text(text.replace("store_reserve_mb = 8\n", "store_reserve_mb = 0\n")
                    .replace("free_space_reserve_mb = 16\n", "free_space_reserve_mb = 0\n"))
    narrow.restart(service)
    acknowledged = []
    try:
        narrow.disks.leave(service, 0)
        process = narrow.processes[service]
        for number in range(2000):
            try:
                if service == "clc":
                    name = f"no reserve {number} {uuid.uuid4().hex}"
                    narrow.ec2.import_key_pair(KeyName=name, PublicKeyMaterial=PUBLIC)
                    acknowledged.append(name)
                elif narrow.put(f"no reserve {number}", b"") is not None:
                    break
            except Exception as error:
                assert code(error) in (None, "InternalError", "Unavailable", "ServiceUnavailable"), error
                break
        else:
            raise AssertionError("the disk is never full")
        wait_until(lambda: process.poll() is not None, f"{service} ends, to begin anew", 20,
                   lambda: narrow.log(service)[-1500:])
        assert process.returncode == 70
        narrow.disks.make_room(service)
    finally:
        file.write_text(text)
        narrow.processes.pop(service).kill()
        narrow.start(service)
        narrow.wait_healthy(service)
    if service == "clc":
        pairs = {it["KeyName"] for it in narrow.insist(client("ec2", narrow.taro).describe_key_pairs)["KeyPairs"]}
        assert set(acknowledged) <= pairs
    narrow.wait_capacity()
    narrow.check_all()
    told(f"a write of {service}'s records that the disk refuses", "store_reserve_mb = 0 and nothing left",
         "the service ends with status 70; started again when there is room it has all that was acknowledged")


PUBLIC = (b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f test")
