"""An instance saved from outside by one call: what its guest had written is in the image, and the image's instances
find it. Once while the guest goes on, and once with the guest shut down for it and started again.

Runs as root with QEMU, in a network namespace that `scripts/test guest` makes.
"""

import os
import re
import signal

import pytest

import cloud as clouds
from test_guest import GUEST, register


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    cloud = clouds.Cloud(tmp_path_factory.mktemp("saved"), driver="qemu")
    try:
        cloud.raise_all()
        yield cloud
    finally:
        cloud.stop_all()
        for pid in cloud.guests():
            os.kill(pid, signal.SIGKILL)


class Guest:
    """An instance, and what it says on its console."""

    def __init__(self, admin, image):
        self.admin = admin
        self.id = re.search(r"\bi-[0-9a-f]{8}\b", admin.euca("run-instances", image)).group()

    def told(self):
        return self.admin.euca("get-console-output", self.id).replace("\r", "")

    def boots(self):
        """How often it has booted, by the file in which it counts."""
        return [int(number) for number in re.findall(r"EUCALYPT-GUEST boot (\d+)\n", self.told())]

    def is_ready(self):
        return "EUCALYPT-GUEST ready" in self.told().rsplit("EUCALYPT-GUEST boot ")[-1]

    def last_answer(self):
        seen = re.findall(rf"EUCALYPT-GUEST still {self.id} at ([0-9.]+)", self.told())
        return float(seen[-1]) if seen else 0.0

    def has_agent(self):
        """Whether its agent waits for the node: the last thing that it starts."""
        return self.last_answer() > 0

    def until_ready(self):
        clouds.wait_until(self.is_ready, f"{self.id} is ready", 120, self.told)
        return self

    def end(self):
        self.admin.euca("terminate-instances", self.id)
        clouds.wait_until(
            lambda: "\tterminated\t" in self.admin.euca("describe-instances", self.id), "terminated", 60
        )


def copied(cloud):
    """What the node said last of a copy."""
    lines = [line for line in cloud.log("node-agent").splitlines() if "the disk is copied" in line]
    return lines[-1] if lines else ""


def saved(cloud, guest, name, rest, *options):
    """Saves an instance; the node says how its disk was brought to rest."""
    admin, before = cloud.administrator, copied(cloud)
    image = admin.euca("create-image", guest.id, "-n", name, *options).split()[1]
    described = lambda: admin.euca("describe-images", image)  # noqa: E731
    clouds.wait_until(lambda: "\tavailable\t" in described(), "the image is there", 180, described)
    assert copied(cloud) != before and f"rest={rest}" in copied(cloud)
    return image


@pytest.fixture(scope="module")
def machine(real):
    return register(real)["machine"]


def test_a_guest_that_goes_on_is_saved_with_what_it_wrote(real, machine):
    admin = real.administrator
    guest = Guest(admin, machine).until_ready()
    assert guest.boots() == [1]
    clouds.wait_until(guest.has_agent, "it has an agent", 30)
    pids, answered = real.guests(), guest.last_answer()
    image = saved(real, guest, "live", "Flushed", "--no-reboot")
    clouds.wait_until(lambda: guest.last_answer() > answered, "it goes on", 60, guest.told)
    assert (real.guests(), guest.boots()) == (pids, [1]), "it is the same, and never stopped"
    copy = Guest(admin, image).until_ready()
    assert copy.boots() == [2], "the file was there"
    assert f"EUCALYPT-GUEST instance-id {copy.id}\n" in copy.told()
    # The image is as large as the one it came from, however large the disk was.
    assert max(path.stat().st_size for path in (real.dir / "walrus/cache").iterdir()) == (GUEST / "disk.img").stat().st_size
    # Nothing of it is left on the node, and the guest is not held.
    left = [path.name for path in (real.dir / "node/instances" / guest.id).iterdir()]
    assert not [name for name in left if name.startswith("copy")], left
    copy.end()
    # Off, its disk is saved as it lies.
    admin.euca("stop-instances", guest.id)
    clouds.wait_until(lambda: "\tstopped\t" in admin.euca("describe-instances", guest.id), "stopped", 60)
    copy = Guest(admin, saved(real, guest, "off", "Off")).until_ready()
    assert copy.boots() == [2]
    assert "\tstopped\t" in admin.euca("describe-instances", guest.id)
    copy.end()
    guest.end()


def test_a_guest_is_shut_down_for_it_and_started_again(real, machine):
    admin = real.administrator
    guest = Guest(admin, machine).until_ready()
    # A button that is pressed before is not heard, and the guest is switched off in the end.
    clouds.wait_until(guest.has_agent, "it hears the power button", 30)
    image = saved(real, guest, "restarted", "Restarted")
    clouds.wait_until(lambda: guest.boots() == [1, 2], "it was started again", 60, guest.told)
    guest.until_ready()
    copy = Guest(admin, image).until_ready()
    assert copy.boots() == [2]
    copy.end()
    guest.end()
