"""No process grows with the size of an image: bundling, uploading, unpacking and serving are streams."""

import os
import random
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cloud as clouds
import peer
import pytest
from conftest import boot_files

LIMIT_MIB = 200
IMAGE_MIB = 1024
NOISE_MIB = 256
# What a password may add when it is asked for often: a hash takes 19 MiB, and one in two processors makes one at once.
PASSWORDS_MIB = 19 * max(1, os.cpu_count() // 2) + 24
# What ten images one after the other may add to what the first two took.
LATER_MIB = 24


def peak_mib(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1)) / 1024


# A process counts among its own what its parent held when it was made, and the one that runs the tests is large:
# a small one stands between them, and tells what its only child held.
SMALL_PARENT = """
import os, sys
quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_, status, usage = os.wait4(child, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def euca_peak_mib(credentials, *arguments):
    """Runs euca and gives the most memory it held."""
    command = [sys.executable, "-I", "-S", "-c", SMALL_PARENT, clouds.BIN / "euca", *arguments]
    ended = subprocess.run(list(map(str, command)), env=credentials.env, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return int(ended.stdout) / 1024


def test_a_large_image_leaves_every_process_small(cloud, user, boot, tmp_path, record_property):
    image = tmp_path / "large.img"
    subprocess.run(["truncate", "-s", f"{IMAGE_MIB}M", image], check=True)
    noise = random.Random(1)
    with open(image, "r+b") as file:
        for piece in range(NOISE_MIB):
            file.seek(piece * (IMAGE_MIB // NOISE_MIB) << 20)
            file.write(noise.randbytes(1 << 20))

    folder = tmp_path / "bundle"
    folder.mkdir()
    peaks = {
        "euca bundle-image": euca_peak_mib(user, "bundle-image", "-i", image, "-r", "x86_64", "-d", folder),
    }
    (manifest,) = folder.glob("*.manifest.xml")
    peaks["euca upload-bundle"] = euca_peak_mib(user, "upload-bundle", "-b", "large", "-m", manifest)
    image_id = user.euca("register", f"large/{manifest.name}", "-n", "large").split()[1]
    clouds.wait_until(
        lambda: "\tavailable\t" in user.euca("describe-images", image_id), "the image is available", 180
    )
    started = user.euca("run-instances", image_id, "-t", "c1.xlarge")
    instance = re.search(r"\b(i-[0-9a-f]{8})\b", started).group(1)
    clouds.wait_until(
        lambda: "\trunning\t" in user.euca("describe-instances", instance), "the instance is running", 180
    )
    user.euca("terminate-instances", instance)
    peaks["euca bundle-and-upload-image"] = euca_peak_mib(
        user, "bundle-and-upload-image", "-i", image, "-b", "large/streamed", "-p", "streamed"
    )
    image.unlink()
    there = ["-b", "large/streamed", "-p", "streamed"]
    peaks["euca check-bundle"] = euca_peak_mib(user, "check-bundle", *there)
    peaks["euca download-and-unbundle"] = euca_peak_mib(
        user, "download-and-unbundle", *there, "-d", tmp_path / "streamed", "--jobs", "8"
    )
    (tmp_path / "streamed").unlink()
    down = tmp_path / "down"
    down.mkdir()
    peaks["euca download-bundle"] = euca_peak_mib(user, "download-bundle", *there, "-d", down)
    user.euca("delete-bundle", *there)
    peaks["euca unbundle"] = euca_peak_mib(user, "unbundle", "-m", manifest, "-s", folder, "-d", tmp_path)
    peaks |= {name: peak_mib(process.pid) for name, process in cloud.processes.items()}
    for name, peak in peaks.items():
        record_property(name, peak)
        print(f"{name}: {peak:.0f} MiB")
    assert not {name: peak for name, peak in peaks.items() if peak > LIMIT_MIB}, peaks


def test_passwords_take_the_memory_of_one_however_many_ask(tmp_path):
    """An allocator that has an arena a thread would keep that of a hash in each."""
    cloud = clouds.Cloud(tmp_path)

    def wrong(number):
        with pytest.raises(peer.Refused, match="AccessDenied|RequestLimitExceeded"):
            peer.call(
                cloud, "people", "LogIn", account=f"nobody-{number}", user="admin", password="wrong", address="192.0.2.8"
            )

    try:
        cloud.raise_all()
        before = peak_mib(cloud.processes["clc"].pid)
        with ThreadPoolExecutor(16) as threads:
            list(threads.map(wrong, range(160)))
        grown = peak_mib(cloud.processes["clc"].pid) - before
    finally:
        cloud.stop_all()
    assert grown < PASSWORDS_MIB


def test_images_one_after_the_other_take_the_memory_of_one(tmp_path):
    """Freed memory that is kept for each thread that ever had some would add up."""
    cloud = clouds.Cloud(tmp_path)
    noise = random.Random(2)

    def lives(number):
        image = tmp_path / f"{number}.img"
        image.write_bytes(noise.randbytes(24 << 20) + bytes(24 << 20))
        there = f"images/{number}.img"
        user.euca("bundle-and-upload-image", "-i", image, "-b", there, "-p", "small")
        image_id = user.euca("register", f"{there}/small.manifest.xml", "-n", f"image-{number}").split()[1]
        clouds.wait_until(
            lambda: "\tavailable\t" in user.euca("describe-images", image_id), "the image is available", 60
        )
        instance = re.search(r"\b(i-[0-9a-f]{8})\b", user.euca("run-instances", image_id)).group(1)
        clouds.wait_until(
            lambda: "\trunning\t" in user.euca("describe-instances", instance), "the instance is running", 60
        )
        user.euca("terminate-instances", instance)
        image.unlink()

    def peaks():
        return {name: peak_mib(process.pid) for name, process in cloud.processes.items()}

    try:
        cloud.raise_all()
        boot_files(cloud, tmp_path)
        user = cloud.add_user("taro.yamada")
        for number in range(2):
            lives(number)
        before = peaks()
        for number in range(2, 12):
            lives(number)
        grown = {name: peak - before[name] for name, peak in peaks().items()}
    finally:
        cloud.stop_all()
    assert not {name: more for name, more in grown.items() if more > LATER_MIB}, grown
