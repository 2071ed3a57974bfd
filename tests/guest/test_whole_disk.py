"""A whole disk, bundled, uploaded, registered and run like any image: it boots by itself, by the BIOS, although the
cloud has a default kernel.

Runs as root with QEMU, in a network namespace that `scripts/test guest` makes.
"""

import os
import re
import signal

import pytest

import cloud as clouds
from test_guest import GUEST


@pytest.fixture
def real(tmp_path):
    cloud = clouds.Cloud(tmp_path / "cloud", driver="qemu")
    try:
        cloud.raise_all()
        yield cloud
    finally:
        cloud.stop_all()
        for pid in cloud.guests():
            os.kill(pid, signal.SIGKILL)


def disk():
    """2 MiB with a partition, and with a boot loader of 20 instructions that writes to the serial port."""
    code = bytearray(
        b"\x31\xc0"  # xor ax, ax
        b"\x8e\xd8"  # mov ds, ax
        b"\xfc"  # cld
        b"\xbe\x00\x00"  # mov si, text
        b"\xac"  # next: lodsb
        b"\x84\xc0"  # test al, al
        b"\x74\x06"  # jz done
        b"\xba\xf8\x03"  # mov dx, 0x3f8
        b"\xee"  # out dx, al
        b"\xeb\xf5"  # jmp next
        b"\xfa\xf4\xeb\xfd"  # done: cli; hlt; jmp to the hlt
    )
    code[6:8] = (0x7C00 + len(code)).to_bytes(2, "little")
    code += b"the disk boots by itself\r\n\0"
    sector = bytearray(code.ljust(512, b"\0"))
    sector[446:462] = bytes([0x80, 0, 0, 0, 0x83, 0, 0, 0]) + (64).to_bytes(4, "little") + (4032).to_bytes(4, "little")
    sector[510:] = b"\x55\xaa"
    return bytes(sector).ljust(2 << 20, b"\0")


def test_a_whole_disk_boots_by_itself(real):
    admin, ids = real.administrator, {}
    (real.dir / "whole.img").write_bytes(disk())
    for kind, file in (("kernel", GUEST / "vmlinuz"), ("machine", real.dir / "whole.img")):
        options = [] if kind == "machine" else ["--kernel", "true"]
        manifest, _ = clouds.bundle(admin, file, real.dir / "bundles" / kind, *options)
        admin.euca("upload-bundle", "-b", "real", "-m", manifest)
        ids[kind] = admin.euca("register", f"real/{manifest.name}", "-n", kind).split()[1]
    # Before anybody knows what it is: the launch waits for the image.
    instance = re.search(r"\bi-[0-9a-f]{8}\b", admin.euca("run-instances", ids["machine"])).group()
    clouds.wait_until(
        lambda: "the disk boots by itself" in admin.euca("get-console-output", instance), "the disk boots", 60
    )
    described = admin.euca("describe-instances", instance)
    assert "\trunning\t" in described and "\thvm\t" in described and ids["kernel"] not in described
    assert "\thvm\t" in admin.euca("describe-images", ids["machine"])
    (guest,) = real.guests()
    command = open(f"/proc/{guest}/cmdline").read().split("\0")
    assert "-kernel" not in command
    admin.euca("terminate-instances", instance)
    clouds.wait_until(lambda: not real.guests(), "the guest's process has ended", 60)
