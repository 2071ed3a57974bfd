"""A real guest with disks beside its root: it finds them where its metadata says, swaps on one and keeps files on the
other over a stop and a start.

Runs as root with QEMU, in a network namespace that `scripts/test guest` makes.
"""

import os
import re
import signal
import subprocess

import pytest

import cloud as clouds
from test_guest import register, started

MIB = 1 << 20
# Of the 2 GiB of the smallest type: 64 for the image and 512 for swap.
LEFT = 2048 - 64 - 512

# What uses them, as the metadata tells where they are.
USE = """#!/bin/sh
at() { wget -q -O - http://169.254.169.254/latest/meta-data/block-device-mapping/$1; }
set -e
echo "EUCALYPT-GUEST devices" $(at)
for name in root ephemeral ephemeral0 swap; do
    echo "EUCALYPT-GUEST device $name $(at $name)"
done
for disk in $(at ephemeral0) $(at swap); do
    echo "EUCALYPT-GUEST sectors $disk $(cat /sys/block/$disk/size)"
done
swapon /dev/$(at swap)
awk 'NR > 1 { print "EUCALYPT-GUEST swap", $1, $3 }' /proc/swaps
mke2fs -q -F /dev/$(at ephemeral0)
mkdir -p /mnt
mount -t ext4 /dev/$(at ephemeral0) /mnt
echo 'kept by a guest' >/mnt/kept
sync
umount /mnt
"""


@pytest.fixture
def real(tmp_path):
    cloud = clouds.Cloud(tmp_path / "disks", driver="qemu")
    try:
        cloud.raise_all()
        yield cloud
    finally:
        cloud.stop_all()
        for pid in cloud.guests():
            os.kill(pid, signal.SIGKILL)


def test_a_guest_has_the_disks_that_were_mapped(real):
    admin, image = real.administrator, register(real)["machine"]
    data = real.dir / "use"
    data.write_text(USE)
    mapped = ["-b", "/dev/sdb=ephemeral0", "-b", "/dev/sdc=swap"]
    instance = re.search(
        r"\bi-[0-9a-f]{8}\b", admin.euca("run-instances", image, *mapped, "-f", str(data))
    ).group()

    def told():
        return admin.euca("get-console-output", instance).replace("\r", "")

    def described(state):
        return f"\t{state}\t" in admin.euca("describe-instances", instance)

    clouds.wait_until(lambda: "EUCALYPT-GUEST script" in told(), "the script has run", 180, told)
    said = told()
    for line in [
        "devices ami emi ephemeral ephemeral0 root swap",
        "device root /dev/vda",
        "device ephemeral vdb",
        "device ephemeral0 vdb",
        "device swap vdc",
        f"sectors vdb {LEFT * MIB // 512}",
        f"sectors vdc {512 * MIB // 512}",
        # Less the page of its signature.
        f"swap /dev/vdc {512 * 1024 - 4}",
        "script 0",
    ]:
        assert f"EUCALYPT-GUEST {line}\n" in said, f"{line}\n{said}"

    folder = real.dir / "node/instances" / instance
    disk = folder / "ephemeral0.raw"
    assert disk.stat().st_blocks * 512 < LEFT * MIB // 4, "what the guest did not write is a hole"
    admin.euca("stop-instances", instance)
    clouds.wait_until(lambda: described("stopped"), "stopped", 60)
    clouds.wait_until(lambda: started(admin, instance), "it can be started", 60)
    clouds.wait_until(lambda: "EUCALYPT-GUEST boot 2\n" in told(), "it has started again", 120, told)
    kept = subprocess.run(["debugfs", "-R", "cat /kept", disk], capture_output=True, text=True, check=True)
    assert kept.stdout == "kept by a guest\n", kept.stderr
    admin.euca("terminate-instances", instance)
    clouds.wait_until(lambda: described("terminated"), "terminated", 60)
    assert [path.name for path in folder.iterdir()] == ["note.json"]
