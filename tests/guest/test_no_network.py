"""Bundling touches no cloud: `bundle-image` in a network namespace in which nothing is up, not even loopback.

Runs as root, to make the namespace.
"""

import os

import pytest

import cloud as clouds

KEYS = clouds.ROOT / "tests/data/golden/keys"


@pytest.fixture
def nowhere():
    """The name of a namespace without any way out."""
    name = f"eucalypt-nowhere-{os.getpid()}"
    clouds.run(["ip", "netns", "add", name])
    try:
        assert clouds.run(["ip", "-n", name, "-o", "link", "show", "up"]) == ""
        yield name
    finally:
        clouds.run(["ip", "netns", "del", name])


def test_a_bundle_is_made_checked_and_unpacked_without_any_network(nowhere, tmp_path):
    image = tmp_path / "disk.img"
    image.write_bytes(os.urandom(3 << 20) + bytes(5 << 20))
    env = {
        "PATH": os.environ["PATH"],
        "EC2_USER_ID": "000000000001",
        "EC2_CERT": str(KEYS / "user-cert.pem"),
        "EC2_PRIVATE_KEY": str(KEYS / "user-pk.pem"),
        "EUCALYPTUS_CERT": str(KEYS / "cloud-cert.pem"),
        # A cloud that cannot be reached, should anybody try.
        "EC2_URL": "http://192.0.2.1:8773/services/Eucalyptus",
        "S3_URL": "http://192.0.2.1:8774/services/Walrus",
    }

    def euca(*arguments):
        return clouds.run(["ip", "netns", "exec", nowhere, clouds.BIN / "euca", *arguments], env=env)

    made = tmp_path / "made"
    made.mkdir()
    manifest = made / "disk.img.manifest.xml"
    assert euca("bundle-image", "-i", image, "-r", "x86_64", "-d", made) == f"Wrote manifest {manifest}\n"
    assert "\nIMAGE\tvalid\t" in euca("check-bundle", "-m", manifest)
    back = tmp_path / "back"
    back.mkdir()
    euca("unbundle", "-m", manifest, "-d", back)
    assert (back / "disk.img").read_bytes() == image.read_bytes()
    with pytest.raises(AssertionError, match=r"the connection to 192\.0\.2\.1:8774 failed: .*unreachable"):
        subprocess_env = dict(env, AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="y")
        clouds.run(
            ["ip", "netns", "exec", nowhere, clouds.BIN / "euca", "upload-bundle", "-b", "b", "-m", manifest],
            env=subprocess_env,
        )
