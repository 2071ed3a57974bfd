"""What euca bundles, every reader that exists unpacks: Python's tarfile as a stream (as the old tools read), tar with
gzip, gunzip after openssl, zlib. And it is the same whatever the machine: threads and holes leave no trace.
"""

import hashlib
import io
import os
import random
import subprocess
import tarfile
import zlib

import pytest

import cloud as clouds

KEY, IV = "000102030405060708090a0b0c0d0e0f", "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
MIB = 1 << 20
CHUNK = 2 * MIB


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A sparse image of 40 MiB, and the gzip stream of its bundle as openssl decrypts it."""
    work = tmp_path_factory.mktemp("readers")
    image = work / "disk.img"
    dice = random.Random(5)
    words = b" ".join(dice.randbytes(3).hex().encode() for _ in range(200_000))
    with open(image, "wb") as file:
        file.truncate(40 * MIB)
        for at, data in ((0, dice.randbytes(2 * MIB)), (9 * MIB + 77, words), (39 * MIB + 5, b"end" * 999)):
            file.seek(at)
            file.write(data)
    subject = ["-subj", "/CN=readers", "-days", "2", "-keyout", work / "pk.pem", "-out", work / "cert.pem"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject], check=True, capture_output=True)
    return image, bundled(work, image)


def bundled(work, image, *before):
    """The gzip stream of a bundle; `before` goes in front of the command."""
    folder = work / f"bundle-{len(list(work.iterdir()))}"
    folder.mkdir()
    subprocess.run(
        [*before, clouds.BIN / "euca", "bundle-image", "-i", image, "-p", "disk.img", "-d", folder, "-u", "111111111111",
         "--ec2cert", work / "cert.pem", "--enc-key", KEY, "--enc-iv", IV],
        check=True, capture_output=True, env={"PATH": os.environ["PATH"], "HOME": str(work)},
    )
    parts = sorted(folder.glob("*.part.*"), key=lambda path: int(path.suffix[1:]))
    sealed = b"".join(part.read_bytes() for part in parts)
    return subprocess.run(
        ["openssl", "enc", "-d", "-aes-128-cbc", "-K", KEY, "-iv", IV], input=sealed, check=True, capture_output=True
    ).stdout


def test_pythons_tarfile_reads_it_as_a_stream(packed):
    image, gzip = packed
    with tarfile.open(fileobj=io.BytesIO(gzip), mode="r|gz") as archive:
        members = [(member.name, archive.extractfile(member).read()) for member in archive]
    assert members == [("disk.img", image.read_bytes())]


def test_gunzip_and_tar_read_it(packed, tmp_path):
    image, gzip = packed
    file = tmp_path / "bundle.tar.gz"
    file.write_bytes(gzip)
    tested = subprocess.run(["gzip", "-t", file], capture_output=True)
    assert (tested.returncode, tested.stderr) == (0, b"")
    unpacked = subprocess.run(["tar", "xz", "-C", tmp_path], input=gzip, capture_output=True)
    assert (unpacked.returncode, unpacked.stderr) == (0, b"")
    assert (tmp_path / "disk.img").read_bytes() == image.read_bytes()


def test_it_is_one_member_that_says_how_long_its_chunks_are(packed):
    _, gzip = packed
    inflater = zlib.decompressobj(wbits=31)
    tar = inflater.decompress(gzip) + inflater.flush()
    assert inflater.eof and inflater.unused_data == b""
    assert len(tar) % 10_240 == 0
    assert gzip[:20] == bytes.fromhex("1f8b0810" "00000000" "0003") + f"EU{CHUNK}\0".encode()
    # Each chunk inflates by itself: nothing in it refers to what stands before.
    flush, plain = b"\0\0\xff\xff", []
    for chunk in range(3):
        ends = (at for at in range(20, len(gzip)) if gzip.startswith(flush, at))
        start = 20 if chunk == 0 else end
        for end in (at + 4 for at in ends if at >= start):
            try:
                found = zlib.decompressobj(wbits=-15).decompress(gzip[start:end])
            except zlib.error:
                continue
            if len(found) == CHUNK:
                plain.append(found)
                break
    assert b"".join(plain) == tar[: 3 * CHUNK]


def test_threads_and_holes_leave_no_trace(packed, tmp_path):
    image, gzip = packed
    expected = hashlib.sha256(gzip).hexdigest()
    (tmp_path / "cert.pem").write_bytes((image.parent / "cert.pem").read_bytes())
    dense = tmp_path / "dense.img"
    dense.write_bytes(image.read_bytes())
    for file, before in ((image, ["taskset", "-c", "0"]), (dense, [])):
        assert hashlib.sha256(bundled(tmp_path, file, *before)).hexdigest() == expected
