"""One cloud for all tests of a client; whoever fails finds its folder named.

Another one is served by https, too: the matrix of clients has it, and is printed when all is done. If
`EUCALYPT_MATRIX` names a file, the matrix is written there as well, as Markdown.
"""

import os
import pathlib
import subprocess

import pytest

import cloud as clouds
import matrix
import witness as witnesses


def pytest_configure(config):
    config.addinivalue_line("markers", "cell(operation): this test is a cell of the matrix")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    cell = item.get_closest_marker("cell")
    if cell:
        matrix.note(item.callspec.params["row"], cell.args[0], report.passed)
    return report


def pytest_terminal_summary(terminalreporter):
    if not matrix.outcomes:
        return
    terminalreporter.section("clients and operations")
    for line in matrix.printed():
        terminalreporter.write_line(line)
    if "EUCALYPT_MATRIX" in os.environ:
        pathlib.Path(os.environ["EUCALYPT_MATRIX"]).write_text(matrix.markdown())


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
def matrix_user(https):
    return https.add_user("matrix")


@pytest.fixture(scope="session")
def witness(https, matrix_user, tmp_path_factory):
    return witnesses.Witness(witnesses.door(https, matrix_user, "http", tmp_path_factory.mktemp("witness")))


@pytest.fixture(scope="session")
def rows(https, matrix_user, tmp_path_factory):
    """The clients of the matrix that have been set up: name → row."""
    found = {}

    def row(name):
        if name not in found:
            folder = tmp_path_factory.mktemp(name.replace(" ", "-"))
            found[name] = witnesses.Row(name, https, matrix_user, folder)
        return found[name]

    return row


@pytest.fixture
def row(rows, request):
    return rows(request.param)


@pytest.fixture(scope="session")
def user(cloud):
    return cloud.add_user("taro.yamada")


def boot_files(cloud, folder):
    """The default kernel and ramdisk, as the administrator registers them first."""
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
def boot(cloud, tmp_path_factory):
    return boot_files(cloud, tmp_path_factory.mktemp("boot"))


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """A cloud of its own, for what leaves keys and certificates behind, or changes the cloud itself."""
    cloud = clouds.Cloud(tmp_path_factory.mktemp("changed"))
    try:
        cloud.raise_all()
        boot_files(cloud, tmp_path_factory.mktemp("changed-boot"))
        yield cloud
    finally:
        cloud.stop_all()


@pytest.fixture(scope="session")
def https_boot(https, tmp_path_factory):
    return boot_files(https, tmp_path_factory.mktemp("https-boot"))


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
