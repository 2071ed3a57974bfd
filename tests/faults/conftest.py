"""The fault table: each test that provokes a fault says what it did and what was found, and the table is printed."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "clients"))

import world as worlds  # noqa: E402 (it needs the path above)

TABLE = []


@pytest.fixture
def told():
    """Adds a row to the table: the case, how it was provoked, what was found after it."""
    return lambda *row: TABLE.append(row)


def pytest_terminal_summary(terminalreporter):
    for case, provoked, found in TABLE:
        terminalreporter.write_line(f"| {case} | {provoked} | {found} |")


def raised(world):
    try:
        world.raise_all()
        world.prepare()
        yield world
    finally:
        world.stop_all()


@pytest.fixture(scope="session")
def steady(tmp_path_factory):
    """A cloud whose services are killed."""
    yield from raised(worlds.World(tmp_path_factory.mktemp("steady")))


@pytest.fixture(scope="session")
def narrow(tmp_path_factory):
    """A cloud whose disks are small: file systems of the test's own."""
    folder = tmp_path_factory.mktemp("narrow")
    disks = worlds.Disks(folder / "disks", clc=96, walrus=160, node=96)
    try:
        yield from raised(worlds.Narrow(folder / "cloud", disks))
    finally:
        disks.unmount()


@pytest.fixture(scope="session")
def apart(tmp_path_factory):
    """A cloud of two nodes whose services hear each other through wires that can be disturbed."""
    world = worlds.Apart(tmp_path_factory.mktemp("apart") / "cloud")
    try:
        yield from raised(world)
    finally:
        world.close()
