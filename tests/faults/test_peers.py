"""Services that vanish and return, and ways between services that are slow, silent or broken."""

import signal
import time
import uuid

from cloud import wait_until
from world import Call, client, code

# No answer may take longer than this: a peer is waited for 20 s, and then the API says so.
BOUND = 30.0


class Timed(Call):
    """A call whose duration is known."""

    def run(self):
        began = time.monotonic()
        super().run()
        self.took = time.monotonic() - began


def quick(work, *arguments, **named):
    """Something that needs nobody who is away."""
    call = Timed(work, *arguments, **named)
    assert call.end(), call.error
    assert call.took < 3, f"held up for {call.took:.1f} s"
    return call.value


def test_nodes_that_vanish_and_return(apart, told):
    ids = apart.launch(uuid.uuid4().hex, count=4)
    apart.wait_state(ids, "running")

    def impaired():
        found = quick(apart.ec2.describe_instance_status, InstanceIds=ids)["InstanceStatuses"]
        return {it["InstanceId"] for it in found if it["SystemStatus"]["Status"] == "impaired"}

    assert not impaired()
    # One is gone, the other only does not answer: its port is open, and nobody is there.
    apart.stop("node-agent", signal.SIGKILL)
    apart.processes["node2"].send_signal(signal.SIGSTOP)
    vanished = time.monotonic()
    wait_until(lambda: impaired() == set(ids), "the instances are shown impaired", 60)
    noticed = time.monotonic() - vanished
    assert set(apart.states(ids).values()) == {"running"}
    refusal = Timed(apart.launch, uuid.uuid4().hex)
    assert not refusal.end() and code(refusal.error) == "InsufficientInstanceCapacity", refusal.error
    assert refusal.took < BOUND
    # What is wanted meanwhile is done on their return.
    quick(apart.ec2.terminate_instances, InstanceIds=ids[:1])
    quick(apart.ec2.stop_instances, InstanceIds=ids[1:2])
    apart.processes["node2"].send_signal(signal.SIGCONT)
    apart.start("node-agent")
    apart.wait_healthy("node-agent")
    wait_until(lambda: not impaired(), "nothing is impaired", 60)
    apart.wait_state(ids[:1], "terminated")
    apart.wait_state(ids[1:2], "stopped")
    apart.wait_state(ids[2:], "running")
    apart.terminate_all()
    apart.check_all()
    told("nodes that vanish and return", "one SIGKILLed, one SIGSTOPped and SIGCONTed, four instances on them",
         f"impaired after {noticed:.0f} s, never terminated; launches InsufficientInstanceCapacity; what was "
         "wanted meanwhile was done on their return")


def test_half_open_peers(apart, told):
    location = apart.bundle("half-open", 1)
    fetched = apart.register(apart.bundle("half-fetched", 4))
    apart.available(fetched)
    stranger = apart.add_user("stranger")
    assert apart.put("known", b"kept") is None
    running = apart.launch(uuid.uuid4().hex, count=2)
    apart.wait_state(running, "running")
    never_seen = client("s3", stranger)
    # A node is in the middle of an image, another has not begun.
    apart.wires["node-walrus"].set("slow", piece=1 << 14, pause=0.1)
    running += apart.launch(uuid.uuid4().hex, fetched, 2)
    apart.wires["node-walrus"].set("silent")
    for way in ("clc-node1", "clc-walrus", "walrus-clc"):
        apart.wires[way].set("silent")
    # A pooled connection and a new one both fall silent.
    call = Timed(apart.register, location)
    # Those who do not need them are not held up, for as long as it lasts: walrus knows people by its copy, also
    # those it has never served.
    while call.is_alive():
        quick(apart.instances)
        quick(apart.ec2.describe_images)
        quick(never_seen.list_buckets)
        assert quick(apart.launch, uuid.uuid4().hex)
        time.sleep(0.5)
    assert not call.end() and code(call.error) == "Unavailable", call.error
    assert call.took < BOUND
    found = f"RegisterImage {code(call.error)} after {call.took:.0f} s"
    assert set(apart.states(running[:2]).values()) == {"running"}
    for wire in apart.wires.values():
        wire.set("pass")
    image = apart.insist(apart.register, location)
    apart.available(image)
    ids = [id for id, it in apart.instances().items() if it["State"]["Name"] != "terminated"]
    assert set(running) <= set(ids)
    apart.wait_state(ids, "running")
    apart.terminate_all()
    for image in (image, fetched):
        apart.insist(apart.ec2.deregister_image, ImageId=image)
    apart.check_all()
    told("half-open peers", "clc→node1, clc→walrus, walrus→clc, node→walrus take connections and bytes and carry nothing",
         found + "; describes, launches and S3 stay under 3 s; all launches ran afterwards")


def test_slow_peers(apart, told):
    location = apart.bundle("slow", 2)
    for way in ("clc-node1", "clc-walrus", "walrus-clc"):
        apart.wires[way].set("slow", piece=200, pause=0.02)
    apart.wires["node-walrus"].set("slow", piece=1 << 16, pause=0.05)
    image = Timed(apart.register, location)
    assert image.end(), image.error
    assert image.took < BOUND
    quick(apart.instances)
    apart.available(image.value)
    ids = quick(apart.launch, uuid.uuid4().hex, image.value, 4)
    apart.wait_state(ids, "running")
    assert apart.put("slow", apart.noise(1)) is None
    for wire in apart.wires.values():
        wire.set("pass")
    apart.terminate_all()
    apart.insist(apart.ec2.deregister_image, ImageId=image.value)
    apart.check_all()
    told("slow peers", "every way carries 200 bytes each 20 ms, images 64 KiB each 50 ms",
         f"RegisterImage after {image.took:.1f} s; image available, four launches run")


def test_connections_that_break(apart, told):
    image = apart.register(apart.bundle("cut", 8))
    apart.available(image)
    wire = apart.wires["node-walrus"]
    wire.set("cut", piece=3 << 20)
    ids = apart.launch(uuid.uuid4().hex, image, 2)
    apart.wait_state(ids, "running")
    assert wire.cuts >= 2, wire.cuts
    # Breaking in the answers themselves, each time at another byte.
    for piece in (1, 20, 90, 150, 200, 260):
        for way in ("clc-node1", "clc-walrus", "walrus-clc"):
            apart.wires[way].set("cut", piece=piece)
        calls = [Timed(apart.launch, uuid.uuid4().hex), Timed(apart.ec2.stop_instances, InstanceIds=ids[:1])]
        for call in calls:
            call.end()
            assert call.took < BOUND
        for way in ("clc-node1", "clc-walrus", "walrus-clc"):
            apart.wires[way].set("pass")
        apart.insist(apart.ec2.stop_instances, InstanceIds=ids[:1])
        apart.wait_state(ids[:1], "stopped")
        apart.insist(apart.ec2.start_instances, InstanceIds=ids[:1])
        apart.wait_state(ids[:1], "running")
    wire.set("pass")
    living = [id for id, it in apart.instances().items() if it["State"]["Name"] != "terminated"]
    apart.wait_state(living, "running")
    apart.terminate_all()
    apart.insist(apart.ec2.deregister_image, ImageId=image)
    apart.check_all()
    told("connections that break", "image transfers cut every 3 MiB; messages cut after 1 to 260 bytes of answer",
         f"the transfer went on {wire.cuts} times where it broke; every launch, stop and start came to its end")
