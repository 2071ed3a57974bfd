"""A real guest, and each service restarted below it: it runs on, is described, and its metadata answers.

Runs as root with QEMU, in a network namespace that `scripts/test guest` makes.
"""

import hashlib
import os
import re
import signal
import subprocess
import time

import pytest

import cloud as clouds

# Made by scripts/guest-image before, because a namespace reaches no package archive.
GUEST = clouds.BIN.parent / "guest"


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    cloud = clouds.Cloud(tmp_path_factory.mktemp("real"), driver="qemu")
    try:
        cloud.raise_all()
        yield cloud
    finally:
        cloud.stop_all()
        for pid in cloud.guests():
            os.kill(pid, signal.SIGKILL)


def register(cloud):
    admin, ids = cloud.administrator, {}
    for kind, file in (("kernel", "vmlinuz"), ("ramdisk", "initrd"), ("machine", "disk.img")):
        options = [] if kind == "machine" else [f"--{kind}", "true"]
        manifest, _ = clouds.bundle(admin, GUEST / file, cloud.dir / "bundles" / kind, *options)
        admin.euca("upload-bundle", "-b", "real", "-m", manifest)
        ids[kind] = admin.euca("register", f"real/{manifest.name}", "-n", kind).split()[1]
    return ids


def test_a_guest_outlives_each_service(real):
    image = register(real)["machine"]
    admin = real.administrator
    key = admin.euca("add-keypair", "real")
    public = subprocess.run(
        ["ssh-keygen", "-y", "-f", private_file(real, key)], capture_output=True, text=True, check=True
    ).stdout.split()[:2]
    data = real.dir / "user-data"
    data.write_bytes(bytes(range(256)) * 64)
    instance = re.search(r"\bi-[0-9a-f]{8}\b", admin.euca("run-instances", image, "-k", "real", "-f", str(data))).group()

    def console():
        return admin.euca("get-console-output", instance).replace("\r", "")

    clouds.wait_until(lambda: "EUCALYPT-GUEST ready" in console(), "the guest is ready", 120)
    told = console()
    assert f"EUCALYPT-GUEST instance-id {instance}\n" in told
    assert f"EUCALYPT-GUEST public-key {' '.join(public)}" in told
    assert f"EUCALYPT-GUEST user-data {hashlib.sha1(data.read_bytes()).hexdigest()}\n" in told
    pids = real.guests()
    assert len(pids) == 1

    def last_answer():
        seen = re.findall(rf"EUCALYPT-GUEST still {instance} at ([0-9.]+)", console())
        return float(seen[-1]) if seen else 0.0

    for name, how in [
        ("clc", signal.SIGTERM), ("walrus", signal.SIGTERM), ("node-agent", signal.SIGTERM),
        ("clc", signal.SIGKILL), ("walrus", signal.SIGKILL), ("node-agent", signal.SIGKILL),
    ]:
        before = last_answer()
        real.restart(name, how)
        clouds.wait_until(
            lambda: "\trunning\t" in admin.euca("describe-instances", instance), f"described after {name}"
        )
        clouds.wait_until(lambda: last_answer() > before, f"metadata answers after {name}", 60)
        assert real.guests() == pids, f"{name} restarted with {how.name}: the guest is another"

    def described(state):
        return f"\t{state}\t" in admin.euca("describe-instances", instance)

    def boot(number):
        text = console()
        return f"EUCALYPT-GUEST boot {number}\n" in text and "ready" in text.rsplit("EUCALYPT-GUEST boot ")[-1]

    # Its guest shuts down when it is asked, its disk stays, and its console can be read meanwhile.
    assert "EUCALYPT-GUEST boot 1\n" in console()
    begun = time.monotonic()
    admin.euca("stop-instances", instance)
    clouds.wait_until(lambda: described("stopped"), "stopped", 60)
    assert time.monotonic() - begun < 25, "it was switched off, not shut down"
    assert not real.guests()
    assert "EUCALYPT-GUEST boot 1\n" in console()
    # Nor does anybody start it by coming back.
    for name in ("clc", "node-agent"):
        real.restart(name, signal.SIGKILL)
        clouds.wait_until(lambda: described("stopped"), f"still stopped after {name}")
    assert not real.guests()
    clouds.wait_until(lambda: started(admin, instance), "it can be started", 60)
    clouds.wait_until(lambda: boot(2), "what it wrote before the stop is there after the start", 120)
    clouds.wait_until(lambda: described("running"), "running")
    admin.euca("reboot-instances", instance)
    clouds.wait_until(lambda: boot(3), "it has rebooted", 120)
    assert described("running")
    assert len(real.guests()) == 1
    admin.euca("stop-instances", "--force", instance)
    clouds.wait_until(lambda: described("stopped"), "stopped by force", 20)
    clouds.wait_until(lambda: started(admin, instance), "it can be started", 60)
    clouds.wait_until(lambda: boot(4), "it starts again", 120)

    admin.euca("terminate-instances", instance)
    clouds.wait_until(
        lambda: "\tterminated\t" in admin.euca("describe-instances", instance), "terminated", 60
    )
    clouds.wait_until(lambda: not real.guests(), "the guest's process has ended")


def started(admin, instance):
    """A node that has just come back may not have been met yet."""
    try:
        return "pending" in admin.euca("start-instances", instance)
    except (AssertionError, subprocess.CalledProcessError):
        return False


def private_file(cloud, printed):
    """What euca-add-keypair printed, as the article stores it: ssh reads it, first line and all."""
    file = cloud.dir / "real.pk"
    file.touch(mode=0o600)
    file.write_text(printed)
    return file
