"""The article's life of an image: an instance is run, changed, saved from inside, uploaded, registered, and its copy run.

Runs as root (to become an ordinary user) with QEMU, in a network namespace that `scripts/test guest` makes; the guest
reaches walrus by QEMU's own network.
"""

import os
import re
import shutil
import signal
import subprocess

import pytest

import cloud as clouds
from test_guest import GUEST
from user_cloud import UserCloud

# Made by scripts/static-euca before, because a namespace reaches no registry of crates.
EUCA = clouds.BIN.parent / "static/euca"

# What makes the change, and saves the instance it runs in. A disk of its own for the image is a memory disk here.
SAVE = """#!/bin/sh
set -e
mkdir -p /mnt /srv/data
echo 'changed by {name}' >/srv/data/change
chown 1000:100 /srv/data/change
chmod 0640 /srv/data/change
ln /srv/data/change /srv/again
mount -t tmpfs none /mnt
cd /mnt
cat >pk.pem <<'PEM'
{key}PEM
cat >cert.pem <<'PEM'
{cert}PEM
cat >cloud.pem <<'PEM'
{cloud}PEM
gateway=$(ip route | sed -n 's/^default via \\([^ ]*\\) .*/\\1/p')
export EC2_PRIVATE_KEY=/mnt/pk.pem EC2_CERT=/mnt/cert.pem EUCALYPTUS_CERT=/mnt/cloud.pem EC2_USER_ID={account}
export AWS_ACCESS_KEY_ID={id} AWS_SECRET_ACCESS_KEY={secret} S3_URL=http://$gateway:{port}/services/Walrus
read -r begun rest </proc/uptime
euca bundle-vol --size 64 --prefix saved --destination /mnt
read -r bundled rest </proc/uptime
euca upload-bundle --bucket saved --manifest /mnt/saved.manifest.xml
read -r done rest </proc/uptime
echo "EUCALYPT-GUEST saved: $begun $bundled $done"
"""

# What finds the change.
FIND = """#!/bin/sh
ls -ln /srv/data/change /srv/again | awk '{ print "EUCALYPT-GUEST found", $1, $2, $3, $4 }'
cmp /srv/data/change /srv/again && echo "EUCALYPT-GUEST found $(cat /srv/again)"
echo "EUCALYPT-GUEST found $(ls -A /mnt /proc/self/cmdline)"
echo "EUCALYPT-GUEST ancestor $(wget -q -O - http://169.254.169.254/latest/meta-data/ancestor-ami-ids)"
"""


@pytest.fixture
def cloud(tmp_path):
    cloud = UserCloud(tmp_path / "cloud", outside=True)
    try:
        cloud.raise_all()
        yield cloud
    finally:
        cloud.stop_all()
        for pid in cloud.guests():
            os.kill(pid, signal.SIGKILL)
        clouds.wait_until(lambda: not cloud.guests(), "the guests have ended")
        cloud.clear()


def upload(who, file, folder, name, *options):
    """Bundles, uploads and registers a file; gives the image's id."""
    manifest, _ = clouds.bundle(who, file, folder / name, *options)
    who.euca("upload-bundle", "-b", f"{name}-of-{who.folder.name}", "-m", manifest)
    return who.euca("register", f"{name}-of-{who.folder.name}/{manifest.name}", "-n", name).split()[1]


def run(who, folder, image, script):
    """Runs an instance that runs the script; gives its id, and what reads its console."""
    (folder / "script").write_text(script)
    printed = who.euca("run-instances", image, "-f", folder / "script")
    instance = re.search(r"\bi-[0-9a-f]{8}\b", printed).group()
    return instance, lambda: who.euca("get-console-output", instance).replace("\r", "")


def test_euca_for_guests_needs_nothing():
    told = subprocess.run(["ldd", EUCA], capture_output=True, text=True)
    assert "statically linked" in told.stdout or "not a dynamic executable" in told.stderr
    bare = subprocess.run([EUCA, "--version"], env={}, cwd="/", capture_output=True, text=True, check=True)
    assert bare.stdout.startswith("euca")


def test_an_instance_is_saved_from_inside_and_its_copy_run(cloud, tmp_path):
    admin, user = cloud.administrator, cloud.add_user("taro")
    for kind, file in (("kernel", "vmlinuz"), ("ramdisk", "initrd")):
        upload(admin, GUEST / file, tmp_path, kind, f"--{kind}", "true")
    disk = tmp_path / "disk.img"
    shutil.copy(GUEST / "disk.img", disk)
    steps = f"cd /usr/bin\nwrite {EUCA} euca\nsif euca mode 0100755\n"
    subprocess.run(["debugfs", "-w", "-f", "-", disk], input=steps, text=True, check=True, capture_output=True)
    image = upload(user, disk, tmp_path, "machine")

    script = SAVE.format(
        name="taro", account=user["EC2_USER_ID"], id=user["EC2_ACCESS_KEY"], secret=user["EC2_SECRET_KEY"],
        port=cloud.ports["walrus"],
        **{name: open(user[variable]).read() for name, variable in (
            ("key", "EC2_PRIVATE_KEY"), ("cert", "EC2_CERT"), ("cloud", "EUCALYPTUS_CERT"))},
    )
    instance, console = run(user, tmp_path, image, script)
    clouds.wait_until(lambda: "EUCALYPT-GUEST script " in console(), "the instance is saved", 240, console)
    told = console()
    assert "Wrote manifest /mnt/saved.manifest.xml\n" in told
    assert "Uploaded saved/saved.manifest.xml\n" in told
    assert "EUCALYPT-GUEST script 0\n" in told
    user.euca("terminate-instances", instance)

    saved = user.euca("register", "saved/saved.manifest.xml", "-n", "saved").split()[1]
    described = user.euca("describe-images", saved)
    of_source = user.euca("describe-images", image)
    kernel = re.search(r"\beki-[0-9a-f]+", of_source + user.euca("describe-instances", instance)).group()
    assert kernel in described and "\tx86_64\t" in described
    copy, console = run(user, tmp_path, saved, FIND)
    clouds.wait_until(lambda: "EUCALYPT-GUEST script " in console(), "the copy has run", 180, console)
    told = console()
    assert f"EUCALYPT-GUEST instance-id {copy}\n" in told
    assert "EUCALYPT-GUEST boot 2\n" in told
    assert told.count("EUCALYPT-GUEST found -rw-r----- 2 1000 100\n") == 2
    assert "EUCALYPT-GUEST found changed by taro\n" in told
    assert "EUCALYPT-GUEST found /proc/self/cmdline\n" in told
    assert f"EUCALYPT-GUEST ancestor {image}\n" in told
    user.euca("terminate-instances", copy)
    clouds.wait_until(lambda: not cloud.guests(), "the guests' processes have ended", 60)
