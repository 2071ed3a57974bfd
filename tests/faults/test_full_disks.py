"""Full disks, under uploads, the image cache, the records and a node. They are small file systems: needs root."""

import http.client
import urllib.parse
import urllib.request
import uuid

import pytest

from cloud import wait_until
from world import MIB, Call, code


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
    narrow.disks.leave("walrus", 20)
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
    told("disk full while an image is unpacked", "20 MiB left for 24 MiB of image",
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
    narrow.wait_state(ids, "terminated")
    reason = narrow.instances()[ids[0]]["StateReason"]
    assert "No space left" in reason["Message"], reason
    alive(narrow)
    narrow.check_all()
    narrow.disks.make_room("node")
    ids = narrow.launch(uuid.uuid4().hex, image)
    narrow.wait_state(ids, "running")
    narrow.terminate_all()
    narrow.insist(narrow.ec2.deregister_image, ImageId=image)
    narrow.check_all()
    told("disk full on a node", "8 MiB left for an image of 16 MiB",
         f"the launch ends, “{reason['Message']}”, nothing half is left, its seat is back; the next runs once "
         "there is room")


@pytest.mark.parametrize("service", ["clc", "walrus"])
def test_a_store_that_the_disk_refused(narrow, told, service):
    """Without a reserve a write fails in its middle: the store takes no more, and the service begins anew."""
    file = narrow.dir / f"etc/{service}.toml"
    text = file.read_text()
    file.write_text(text.replace("_reserve_mb = 8\n", "_reserve_mb = 0\n").replace("_mb = 16\n", "_mb = 0\n"))
    narrow.restart(service)
    narrow.wait_capacity()
    ended, refusals, acknowledged = None, set(), set()
    narrow.disks.leave(service, 0)
    process = narrow.processes[service]
    try:
        for number in range(4000):
            call = Call(change(narrow, service), f"no reserve {uuid.uuid4().hex}")
            if call.end():
                acknowledged.add(call.value)
                continue
            refusals.add(code(call.error))
            if number > 100 or process.poll() is not None:
                break
        else:
            raise AssertionError("the disk is never full")
        assert refusals <= {None, "InternalError", "Unavailable", "ServiceUnavailable"}
        # Either nothing has failed but the request, or the service ends and a supervisor starts it.
        wait_until(lambda: process.poll() is not None or healthy(narrow, service), f"{service} knows how it is")
        ended = process.poll()
        narrow.disks.make_room(service)
    finally:
        file.write_text(text)
        if ended is not None:
            narrow.processes.pop(service)
            narrow.start(service)
            narrow.wait_healthy(service)
    assert ended in (None, 70), ended
    narrow.wait_capacity()
    acknowledged.add(narrow.insist(change(narrow, service), "once there was room"))
    if service == "clc":
        pairs = {it["KeyName"] for it in narrow.insist(narrow.ec2.describe_key_pairs)["KeyPairs"]}
        assert acknowledged <= pairs
    narrow.restart(service)
    narrow.wait_capacity()
    narrow.check_all()
    end = "it refused and went on" if ended is None else "the service ended with status 70 and was started again"
    told(f"a write of {service}'s records that the disk refuses", "store_reserve_mb = 0 and nothing left",
         f"{end}; all that was acknowledged is there, changes are taken again")


def healthy(world, service):
    try:
        url = f"http://127.0.0.1:{world.ports[service + '_in']}/healthz"
        return urllib.request.urlopen(url, timeout=2).status == 200
    except OSError:
        return False


def change(world, service):
    """Something small that has to be recorded; gives its name."""
    def key_pair(name):
        world.ec2.import_key_pair(KeyName=name, PublicKeyMaterial=PUBLIC)
        return name

    def empty_object(name):
        error = world.put(name, b"")
        if error is not None:
            raise error
        return name

    return key_pair if service == "clc" else empty_object


PUBLIC = (b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f test")
