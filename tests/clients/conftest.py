"""One cloud for all tests of a client; whoever fails finds its folder named."""

import pathlib
import subprocess

import pytest

import cloud as clouds


@pytest.fixture(scope="session")
def cloud(tmp_path_factory):
    cloud = clouds.Cloud(tmp_path_factory.mktemp("cloud"))
    try:
        cloud.raise_all()
        yield cloud
    finally:
        cloud.stop_all()


@pytest.fixture(scope="session")
def https(tmp_path_factory):
    """A cloud whose APIs are served by https, too."""
    cloud = clouds.Cloud(tmp_path_factory.mktemp("https"), https=True)
    try:
        cloud.raise_all()
        yield cloud
    finally:
        cloud.stop_all()


@pytest.fixture(scope="session")
def https_user(https):
    return https.add_user("hanako")


@pytest.fixture(scope="session")
def user(cloud):
    return cloud.add_user("taro.yamada")


@pytest.fixture(scope="session")
def boot(cloud, tmp_path_factory):
    """The default kernel and ramdisk, as the administrator registers them first."""
    folder = tmp_path_factory.mktemp("boot")
    admin = cloud.administrator
    ids = {}
    for kind in ("kernel", "ramdisk"):
        file = folder / kind
        file.write_bytes(kind.encode() * 5000)
        manifest, _ = clouds.bundle(admin, file, folder / f"{kind}.bundle", f"--{kind}", "true")
        admin.euca("upload-bundle", "-b", "boot", "-m", manifest)
        line = admin.euca("register", f"boot/{manifest.name}", "-n", kind)
        ids[kind] = line.split()[1]
    for image in ids.values():
        clouds.wait_until(
            lambda image=image: "\tavailable\t" in admin.euca("describe-images", image),
            f"{image} is available",
        )
    return ids


@pytest.fixture(scope="session")
def disk(tmp_path_factory):
    """A small disk image that does not compress to nothing."""
    path: pathlib.Path = tmp_path_factory.mktemp("disk") / "disk.img"
    subprocess.run(["truncate", "-s", "24M", path], check=True)
    with open(path, "r+b") as file:
        for offset in range(0, 12 << 20, 1 << 20):
            file.seek(offset)
            file.write(__import__("random").Random(offset).randbytes(1 << 20))
    return path
