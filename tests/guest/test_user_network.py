"""The quickstart's guest in QEMU's own network, run by a user without any rights.

Runs as root (to become that user) with QEMU, in a network namespace that `scripts/test guest` makes.
"""

import os
import re
import signal

import pytest

import cloud as clouds
from test_guest import register
from user_cloud import UserCloud


@pytest.fixture
def cloud(tmp_path):
    cloud = UserCloud(tmp_path / "cloud")
    try:
        cloud.raise_all()
        yield cloud
    finally:
        cloud.stop_all()
        for pid in cloud.guests():
            os.kill(pid, signal.SIGKILL)
        clouds.wait_until(lambda: not cloud.guests(), "the guests have ended")
        cloud.clear()


def test_two_guests_are_told_who_they_are_each_by_its_own_way(cloud):
    image, admin = register(cloud)["machine"], cloud.administrator
    admin.euca("add-keypair", "real")
    printed = admin.euca("run-instances", image, "-k", "real", "-n", "2")
    instances = sorted(set(re.findall(r"\bi-[0-9a-f]{8}\b", printed)))
    assert len(instances) == 2

    def console(instance):
        return admin.euca("get-console-output", instance).replace("\r", "")

    for instance in instances:
        clouds.wait_until(lambda: "EUCALYPT-GUEST ready" in console(instance), f"{instance} is ready", 120)
        told = console(instance)
        assert f"EUCALYPT-GUEST instance-id {instance}\n" in told
        address = re.search(r"EUCALYPT-GUEST address (\S+)", told).group(1)
        assert address.startswith("169.254.64.") and address in admin.euca("describe-instances", instance)
    assert len(cloud.guests()) == 2
    admin.euca("terminate-instances", *instances)
    clouds.wait_until(lambda: not cloud.guests(), "the guests' processes have ended", 60)
