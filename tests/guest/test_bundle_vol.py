"""euca bundle-vol on this machine: what is in a file system is in its image, each thing as it was, and nothing else.

Runs as root, because only root sees all of a file system, in a network namespace that `scripts/test guest` makes:
there is no metadata service but a test's own.
"""

import ctypes
import http.server
import os
import pathlib
import re
import subprocess
import threading

import pytest

import cloud as clouds

KEYS = clouds.ROOT / "tests/data/golden/keys"
SIZES = {"ext2": 64, "ext3": 64, "ext4": 64, "xfs": 320, "btrfs": 200}
MAKE = {
    **{kind: ["mke2fs", "-q", "-F", "-t", kind, "-L", "a label"] for kind in ("ext2", "ext3", "ext4")},
    "xfs": ["mkfs.xfs", "-q", "-L", "label"],
    "btrfs": ["mkfs.btrfs", "-q", "-L", "a label"],
}
ACL = bytes.fromhex("020000000100 0600ffffffff 020006 00e8030000 04000400ffffffff 10000600ffffffff 20000400ffffffff".replace(" ", ""))


def bundle_vol(*options, check=True, env=None, **how):
    """Runs the command; `options` come last."""
    command = [
        clouds.BIN / "euca", "bundle-vol", "-k", KEYS / "user-pk.pem", "-c", KEYS / "user-cert.pem",
        "--ec2cert", KEYS / "cloud-cert.pem", "-u", "123456789012", *options,
    ]
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=120,
        env={"PATH": os.environ["PATH"], **(env or {})}, stdin=subprocess.DEVNULL, **how,
    )
    assert not check or done.returncode == 0, done.stderr
    return done


class Mounted:
    """A file system in a file, mounted until the end of the test."""

    def __init__(self, file, point, *options):
        point.mkdir(exist_ok=True)
        subprocess.run(["mount", "-o", ",".join(["loop", *options]), file, point], check=True)
        self.point = point

    def __enter__(self):
        return self.point

    def __exit__(self, *_):
        subprocess.run(["umount", self.point], check=True)


@pytest.fixture
def made(tmp_path):
    """Makes, fills and mounts a file system of a kind."""
    mounted = []

    def make(kind, size=None):
        file, point = tmp_path / f"{kind}.img", tmp_path / f"source-{kind}"
        with open(file, "wb") as out:
            out.truncate((size or SIZES[kind]) << 20)
        subprocess.run([*MAKE[kind], file], check=True, capture_output=True)
        mounted.append(Mounted(file, point))
        return point

    yield make
    for one in reversed(mounted):
        one.__exit__()


def fill(root):
    """One of everything that a file system can hold."""
    for folder in ("dev", "etc", "proc", "tmp", "d e/deep", "home/u", "root/.ssh", "var/log", "dir\nwith a break", "mnt"):
        (root / folder).mkdir(parents=True)
    (root / 'd e/a b"q').write_text("hello")
    os.link(root / 'd e/a b"q', root / "hard")
    os.link(root / 'd e/a b"q', root / "<12>")
    os.symlink('target with "space" and more than the sixty letters that stand in an inode', root / "link")
    os.mkfifo(root / "fifo", 0o620)
    os.mknod(root / "characters", 0o020600, os.makedev(4, 66))
    os.mknod(root / "blocks", 0o060660, os.makedev(259, 300))
    (root / "new\nline").write_text("n")
    os.symlink("to\n a \"break\"", root / "to a break")
    os.symlink("x\n" * 100, root / "to many\nbreaks")
    for name in ("d e/to many breaks", "d e/deep/too\r"):
        os.link(root / "to many\nbreaks", root / name, follow_symlinks=False)
    os.lchown(root / "to a break", 9, 10)
    os.setxattr(root / "new\nline", "user.a\nbreak", b"a\nbreak")
    (root / "dir\nwith a break/inner").write_text("i")
    (root / "-dash").write_text("d")
    (root / "café").write_bytes(os.urandom(100_000))
    with open(root / "sparse", "wb") as file:
        file.truncate(40 << 20)
        file.seek(17 << 20)
        file.write(b"x" * 5000)
    os.setxattr(root / "d e", "user.bytes", bytes(range(256)))
    os.setxattr(root / "d e", "user.empty", b"")
    os.setxattr(root / "hard", "security.capability", bytes.fromhex("0100000200200000000000000000000000000000"))
    os.setxattr(root / "café", "trusted.mine", b"t" * 400)
    os.setxattr(root / "café", "system.posix_acl_access", ACL)
    os.setxattr(root / "d e", "system.posix_acl_default", ACL)
    os.chown(root / "d e", 70_000, 100_000)
    os.chown(root / "link", 7, 8, follow_symlinks=False)
    (root / "-dash").chmod(0o4755)
    (root / "tmp").chmod(0o1777)
    (root / "d e").chmod(0o2750)
    for path, time in (("fifo", 1_000_000_000_123_456_789), ("hard", -300_000_000 * 10**9), ("d e", 4_000_000_000 * 10**9 + 1)):
        os.utime(root / path, ns=(time, time))
    (root / "root/.ssh/authorized_keys").write_text("a key")
    (root / "root/id.pem").write_text("a secret")
    (root / "tmp/t").write_text("t")
    (root / "etc/fstab").write_text("the old one\n")


def listing(root, *without):
    """Everything that is to be seen of a tree."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in [".", *files] + [f for f in folders if os.path.islink(os.path.join(folder, f))]:
            path = os.path.normpath(os.path.join(folder, name))
            own, seen = os.path.relpath(path, root), os.lstat(path)
            if any(own == w or own.startswith(f"{w}/") for w in ("lost+found", *without)):
                continue
            what = [oct(seen.st_mode), seen.st_uid, seen.st_gid, seen.st_rdev]
            # Devices differ in how fine their clocks are, and roots in when they were made.
            what.append(seen.st_mtime_ns if own != "." else None)
            if os.path.islink(path):
                what.append(os.readlink(path))
            elif os.path.isfile(path):
                what += [seen.st_nlink, seen.st_size, open(path, "rb").read()]
            names = sorted(n for n in os.listxattr(path, follow_symlinks=False) if not n.startswith("trusted.SGI_ACL"))
            what.append({n: os.getxattr(path, n, follow_symlinks=False) for n in names})
            found[own] = what
    return found


def unbundled(folder, prefix="image"):
    """The image of a bundle."""
    subprocess.run(
        [clouds.BIN / "euca", "unbundle", "-m", folder / f"{prefix}.manifest.xml", "-s", folder, "-d", folder,
         "-k", KEYS / "user-pk.pem"],
        check=True, capture_output=True, env={},
    )
    return folder / prefix


def probed(file, start=0):
    """Kind, label and UUID, as everybody sees them."""
    told = subprocess.run(
        ["blkid", "-p", "-o", "export", "-O", str(start), file], check=True, capture_output=True, text=True
    ).stdout
    return dict(re.findall(r"^(TYPE|LABEL|UUID)=(.*)$", told, re.M))


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("kind", SIZES)
def test_an_image_holds_what_its_source_holds(kind, made, out, tmp_path):
    source = made(kind)
    fill(source)
    done = bundle_vol("-v", source, "-s", SIZES[kind], "-d", out, "--no-inherit")
    assert done.stdout == f"Wrote manifest {out}/image.manifest.xml\n"
    image = unbundled(out)
    expected = listing(source, "root/.ssh/authorized_keys", "root/id.pem", "tmp/t", "dev")
    blocks = os.stat(source / "sparse").st_blocks
    told = probed(tmp_path / f"{kind}.img")
    assert probed(image) == told and told["TYPE"] == kind and "label" in told["LABEL"]
    assert image.stat().st_size == SIZES[kind] << 20
    if kind == "btrfs":
        # The kernel would take the image for another part of its source.
        subprocess.run(["umount", source], check=True)
    options = ["ro"] + (["nouuid"] if kind == "xfs" else [])
    with Mounted(image, tmp_path / "copy", *options) as copy:
        found = listing(copy, "dev")
        assert found == expected
        assert os.stat(copy / "hard").st_ino == os.stat(copy / "<12>").st_ino
        assert os.stat(copy / "sparse").st_blocks <= blocks + 16
        null = os.stat(copy / "dev/null")
        assert (null.st_rdev, null.st_mode) == (os.makedev(1, 3), 0o020666)
    if kind == "btrfs":
        subprocess.run(["mount", "-o", "loop", tmp_path / f"{kind}.img", source], check=True)
    check = {"xfs": ["xfs_repair", "-n"], "btrfs": ["btrfs", "check"]}.get(kind, ["e2fsck", "-fn"])
    subprocess.run([*check, image], check=True, capture_output=True)
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("table", ["mbr", "gpt"])
def test_partition_tables_are_what_others_read(table, made, out, tmp_path):
    source = made("ext4")
    (source / "etc").mkdir()
    bundle_vol("-v", source, "-s", 32, "-d", out, "--no-inherit", "-P", table, "--generate-fstab", "-B", "swap=sda3")
    image = unbundled(out)
    verified = subprocess.run(["sfdisk", "-V", image], capture_output=True, text=True)
    assert "No errors detected" in verified.stdout
    told = subprocess.run(["sfdisk", "-d", image], check=True, capture_output=True, text=True).stdout
    assert f"label: {'dos' if table == 'mbr' else 'gpt'}\n" in told
    size = 31 if table == "mbr" else 30
    assert re.search(rf"start= +2048, size= +{size * 2048}, ", told) and told.count("start=") == 1
    assert probed(image, 1 << 20) == probed(tmp_path / "ext4.img")
    with Mounted(image, tmp_path / "copy", "ro", f"offset={1 << 20}") as copy:
        text = (copy / "etc/fstab").read_text()
    assert f"UUID={probed(tmp_path / 'ext4.img')['UUID']}\t/\text4\t" in text
    assert "/dev/sda3\tnone\tswap\t" in text


def test_a_partition_of_a_disk_becomes_a_disk_that_starts_alike(out, tmp_path):
    disk = tmp_path / "disk.img"
    loader = os.urandom(1 << 20)
    disk.write_bytes(loader[:440] + bytes(72) + loader[512:])
    with open(disk, "r+b") as file:
        file.truncate(48 << 20)
    table = "label: dos\nstart=2048, type=83\n"
    subprocess.run(["sfdisk", "-q", disk], input=table, text=True, check=True)
    device = subprocess.run(
        ["losetup", "-f", "--show", disk], check=True, capture_output=True, text=True
    ).stdout.strip()
    point = tmp_path / "source"
    try:
        # Not every kernel looks for partitions by itself.
        subprocess.run(["addpart", device, "1", "2048", str((47 << 20) // 512)], check=True)
        numbers = pathlib.Path(f"/sys/block/{device[5:]}/{device[5:]}p1/dev").read_text().split(":")
        node = tmp_path / "node"
        os.mknod(node, 0o060600, os.makedev(*map(int, numbers)))
        subprocess.run(["mke2fs", "-q", "-t", "ext4", node], check=True)
        point.mkdir()
        subprocess.run(["mount", node, point], check=True)
        done = bundle_vol("-v", point, "-s", 32, "-d", out, "--no-inherit")
        assert done.stderr == ""
        other = bundle_vol("-v", point, "-s", 32, "-d", out, "--no-inherit", "-p", "other", "-P", "gpt")
        assert "boot loader" in other.stderr
        bundle_vol("-v", point, "-s", 32, "-d", out, "--no-inherit", "-p", "plain", "--kernel", "eki-00000001")
    finally:
        subprocess.run(["umount", point])
        subprocess.run(["delpart", device, "1"])
        subprocess.run(["losetup", "-d", device], check=True)
    image = unbundled(out).read_bytes()
    assert image[:440] == loader[:440] and image[512 : 1 << 20] == loader[512:]
    told = subprocess.run(["sfdisk", "-d", out / "image"], check=True, capture_output=True, text=True).stdout
    assert "label: dos\n" in told and "bootable" in told
    assert probed(unbundled(out, "plain"))["TYPE"] == "ext4"


def test_what_is_left_out_and_what_is_put_in(made, out, tmp_path):
    source = made("ext4")
    fill(source)
    (source / "etc/machine-id").write_text("this machine")
    (source / "srv").mkdir()
    (source / "far").mkdir()
    for name in ("keep", "drop"):
        (source / "var/log" / name).write_text(name)
    (tmp_path / "fstab").write_text("the new one\n")
    (tmp_path / "menu").write_text("the menu\n")
    script = tmp_path / "script"
    script.write_text('#!/bin/sh\necho "$1" >"$1/etc/script" && rm "$1/hard"\n')
    script.chmod(0o755)
    # One that lies on a disk of this machine, and one that does not.
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(8 << 20))
    subprocess.run(["mke2fs", "-q", disk], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", source / "far"], check=True)
    try:
        (source / "far/f").write_text("far")
        with Mounted(disk, source / "srv") as near:
            (near / "n").write_text("near")
            common = ["-v", source, "-s", 64, "-d", out, "--no-inherit", "--no-filter"]
            bundle_vol(
                *common, "-p", "one", "-e", "/var/log,*.pem", "-i", "/var/log/keep", "--fstab", tmp_path / "fstab",
                "--grub-config", tmp_path / "menu", "--script", script,
            )
            bundle_vol(*common, "-p", "two", "--all", "-e", f"{source}/sparse")
            bundle_vol(*common[:-1], "-p", "three", "--no-progress")
    finally:
        subprocess.run(["umount", source / "far"], check=True)
    with Mounted(unbundled(out, "one"), tmp_path / "copy", "ro") as copy:
        assert sorted(os.listdir(copy / "var/log")) == ["keep"]
        assert not (copy / "root/id.pem").exists() and (copy / "root/.ssh/authorized_keys").exists()
        assert os.listdir(copy / "far") == [] and (copy / "srv/n").read_text() == "near"
        assert (copy / "etc/fstab").read_text() == "the new one\n"
        assert (copy / "boot/grub/menu.lst").read_text() == "the menu\n"
        assert (copy / "etc/machine-id").read_text() == "this machine"
        # The place it had is gone with everything else of the making.
        assert not os.path.exists((copy / "etc/script").read_text().strip()) and not (copy / "hard").exists()
    with Mounted(unbundled(out, "two"), tmp_path / "copy", "ro") as copy:
        assert (copy / "far/f").read_text() == "far" and not (copy / "sparse").exists()
        assert (copy / "etc/fstab").read_text() == "the old one\n"
    with Mounted(unbundled(out, "three"), tmp_path / "copy", "ro") as copy:
        assert os.listdir(copy / "root") == [".ssh"] and os.listdir(copy / "root/.ssh") == []
        assert (copy / "etc/machine-id").read_text() == ""


def test_what_does_not_fit_is_refused_at_once_and_leaves_nothing(made, out):
    source = made("ext4")
    (source / "big").write_bytes(os.urandom(20 << 20))
    # Less than the content; as much, but not with what a file system needs; and as much as it needs.
    for size, room in ((16, "room for 16 MiB"), (21, "room for 19 MiB")):
        done = bundle_vol("-v", source, "-s", size, "-d", out, "--no-inherit", check=False)
        assert done.returncode == 1 and "the content does not fit" in done.stderr and room in done.stderr
        assert list(out.iterdir()) == []
    bundle_vol("-v", source, "-s", 28, "-d", out, "--no-inherit")
    assert (out / "image.manifest.xml").exists()
    # Of many small files it is the number that counts, and more of them get a file system that has room.
    (source / "big").unlink()
    (source / "many").mkdir()
    for number in range(6000):
        (source / f"many/{number}").touch()
    done = bundle_vol("-v", source, "-s", 1, "-d", out, "-p", "many", "--no-inherit", check=False)
    assert done.returncode == 1 and "the content does not fit" in done.stderr
    bundle_vol("-v", source, "-s", 16, "-d", out, "-p", "many", "--no-inherit")
    # The image may be larger than the disk it is made on, its content may not.
    (source / "big").write_bytes(os.urandom(30 << 20))
    (source / "here").mkdir()
    done = bundle_vol("-v", source, "-s", 64, "-d", source / "here", "--no-inherit", check=False)
    assert done.returncode == 1 and "MiB free" in done.stderr and os.listdir(source / "here") == []


class Private:
    """A file system of a program that answers only nobody, and never: even root gets nothing from it."""

    LIBC = ctypes.CDLL(None, use_errno=True)

    def __init__(self, point, device=None):
        self.point, self.device = os.fsencode(point), device

    def __enter__(self):
        self.program = os.open("/dev/fuse", os.O_RDWR)
        told = f"fd={self.program},rootmode=40000,user_id=65534,group_id=65534".encode()
        source, kind = (self.device.encode(), b"fuseblk") if self.device else (b"private", b"fuse")
        assert self.LIBC.mount(source, self.point, kind, 0, told) == 0, ctypes.get_errno()

    def __exit__(self, *_):
        self.LIBC.umount2(self.point, 2)
        os.close(self.program)


def test_what_is_mounted_and_left_out_is_not_asked(made, out, tmp_path):
    source = made("ext4")
    (source / "srv/private").mkdir(parents=True)
    (source / "srv/f").write_text("f")
    with Private(source / "srv/private"):
        with pytest.raises(PermissionError):
            os.lstat(source / "srv/private")
        assert bundle_vol("-v", source, "-s", 32, "-d", out, "--no-inherit").stderr == ""
        done = bundle_vol("-v", source, "-s", 32, "-d", out, "--no-inherit", "-i", "/srv/private/f", check=False)
    assert done.returncode == 1 and "srv/private" in done.stderr
    with Mounted(unbundled(out), tmp_path / "copy", "ro") as copy:
        assert sorted(os.listdir(copy / "srv")) == ["f", "private"] and os.listdir(copy / "srv/private") == []
        assert os.stat(copy / "srv/private").st_mode == 0o040755


def test_a_disk_that_stays_away_is_named(made, out, tmp_path):
    source = made("ext4")
    for name in ("boot/efi", "mnt/usb", "srv"):
        (source / name).mkdir(parents=True)
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(1 << 20))
    attach = ["losetup", "-f", "--show", disk]
    devices = [subprocess.run(attach, check=True, capture_output=True, text=True).stdout.strip() for _ in range(3)]
    try:
        with Private(source / "boot/efi", devices[0]), Private(source / "mnt/usb", devices[1]), Private(source / "srv", devices[2]):
            own = ["-v", source, "-s", 32, "-d", out, "--no-inherit"]
            done = bundle_vol(*own)
            assert done.stderr.count("warning") == 1
            assert f"mounted at {source}/boot/efi (fuseblk), {source}/srv (fuseblk)" in done.stderr and "--all" in done.stderr
            assert "mounted at" not in bundle_vol(*own, "-e", "/boot/*,/srv").stderr
    finally:
        for device in devices:
            subprocess.run(["losetup", "-d", device], check=True)


@pytest.mark.parametrize("kind", ["ext2", "ext4"])
def test_a_directory_has_more_links_than_a_block_holds(kind, made, out, tmp_path):
    source = made(kind)
    (source / "f").write_text("f")
    (source / "<8>").write_text("g")
    for number in range(300):
        os.link(source / "f", source / f"a name of forty letters, more or less {number}")
    for number in range(60):
        (source / f"another name of forty letters\n{number}").touch()
    (source / "links").mkdir()
    for number in range(40):
        os.link(source / "<8>", source / f"links/<{number}>")
    bundle_vol("-v", source, "-s", SIZES[kind], "-d", out, "--no-inherit")
    with Mounted(unbundled(out), tmp_path / "copy", "ro") as copy:
        assert listing(copy) == listing(source)
    subprocess.run(["e2fsck", "-fn", out / "image"], check=True, capture_output=True)


def test_what_cannot_be_put_in_is_said(made, out, tmp_path):
    source = made("ext4")
    os.symlink("usr/lib/boot", source / "boot")
    (tmp_path / "menu").write_text("the menu\n")
    done = bundle_vol("-v", source, "-s", 16, "-d", out, "--no-inherit", "--grub-config", tmp_path / "menu", check=False)
    assert done.returncode == 1 and f"/boot/grub/menu.lst: {source}/boot is no directory" in done.stderr
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_whoever_kills_it_finds_no_image(kind, made, out, tmp_path):
    source = made(kind)
    (source / "secret").write_bytes(os.urandom(4 << 20))
    script = tmp_path / "script"
    script.write_text(f'#!/bin/sh\ncp "$1/secret" {tmp_path}/copied\nkill -9 $PPID\n')
    script.chmod(0o755)
    own = ["-v", source, "-s", SIZES[kind], "-d", out, "--no-inherit"]
    done = bundle_vol(*own, "--script", script, check=False)
    assert done.returncode == -9 and (tmp_path / "copied").stat().st_size == 4 << 20
    (left,) = out.iterdir()
    assert left.name.startswith(".bundle-vol.") and "image" not in os.listdir(left)
    # Its last trace goes with the next one.
    bundle_vol(*own)
    assert sorted(path.name for path in out.iterdir()) == ["image.manifest.xml", "image.part.0"]
    assert str(left) not in pathlib.Path("/proc/mounts").read_text()
    devices = subprocess.run(["losetup", "-a"], check=True, capture_output=True, text=True).stdout
    assert str(left) not in devices


def test_a_device_that_somebody_holds_is_an_error(made, out, tmp_path):
    source = made("ext4")
    script = tmp_path / "script"
    # Somebody with mounts of his own keeps what was mounted when he began.
    script.write_text(f"#!/bin/sh\nunshare -m sleep 1000 </dev/null >/dev/null 2>&1 &\necho $! >{tmp_path}/holder\n"
                      f"until grep -q {out} /proc/$!/mounts && [ $(readlink /proc/$!/ns/mnt) != $(readlink /proc/$$/ns/mnt) ]; do :; done\n")
    script.chmod(0o755)
    try:
        done = bundle_vol("-v", source, "-s", 32, "-d", out, "--no-inherit", "--script", script, check=False)
    finally:
        os.kill(int((tmp_path / "holder").read_text()), 9)
    assert done.returncode == 1 and re.search("/dev/loop[0-9]+ is still in use", done.stderr)
    assert list(out.iterdir()) == []


def test_an_image_is_not_in_itself(made, tmp_path):
    source = made("ext4")
    (source / "out").mkdir()
    (source / "out/mine").write_text("mine")
    bundle_vol("-v", source, "-s", 32, "-d", source / "out", "--no-inherit")
    out = source / "out"
    assert sorted(os.listdir(out)) == ["image.manifest.xml", "image.part.0", "mine"]
    with Mounted(unbundled(out), tmp_path / "copy", "ro") as copy:
        assert os.listdir(copy / "out") == ["mine"]


def test_errors_of_the_article(made, out, tmp_path):
    source = made("ext4")
    own = ["-v", source, "-d", out]
    done = bundle_vol(*own, "-s", 10241, "--no-inherit", check=False)
    assert done.returncode == 1 and "Image Size is too large (Max = 10240 MB)" in done.stderr
    done = bundle_vol(*own, "-s", 0, "--no-inherit", check=False)
    assert done.returncode == 1 and "0 MiB" in done.stderr and "too large" not in done.stderr
    done = bundle_vol(*own, "-s", 16, "--max-image-size", 15, "--no-inherit", check=False)
    assert done.returncode == 1 and "(Max = 15 MB)" in done.stderr
    done = bundle_vol(*own, "-s", 16, check=False)
    assert done.returncode == 1 and "Unable to read instance metadata" in done.stderr
    assert "--no-inherit" in done.stderr
    done = bundle_vol("-v", tmp_path / "absent", "-d", out, "--no-inherit", check=False)
    assert done.returncode == 1 and "absent" in done.stderr
    # From where everybody may run it and read the keys.
    shared = pathlib.Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True).stdout.strip())
    shared.chmod(0o755)
    subprocess.run(["cp", clouds.BIN / "euca", shared], check=True)
    done = subprocess.run([shared / "euca", "bundle-vol", "--no-inherit"], user="nobody", capture_output=True, text=True, env={})
    subprocess.run(["rm", "-r", shared], check=True)
    assert done.returncode == 1 and "root" in done.stderr
    assert list(out.iterdir()) == []


class Service(http.server.BaseHTTPRequestHandler):
    """The metadata service of an instance."""

    TREE = {
        "": "ami-id", "ami-id": "emi-00000002", "kernel-id": "eki-00000001", "ramdisk-id": "eri-00000001",
        "ancestor-ami-ids": "emi-00000001", "product-codes": "one\ntwo",
        "block-device-mapping/": "ami\nebs1\nephemeral0\nroot", "block-device-mapping/ami": "sda1",
        "block-device-mapping/ebs1": "sdf", "block-device-mapping/ephemeral0": "sda2",
        "block-device-mapping/root": "/dev/sda1",
    }

    def do_PUT(self):
        self.answer(200, "a-token")

    def do_GET(self):
        assert self.headers["x-aws-ec2-metadata-token"] == "a-token"
        text = self.TREE.get(self.path.removeprefix("/latest/meta-data/"))
        self.answer(404 if text is None else 200, text or "404 - Not Found")

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def test_an_image_inherits_from_its_instance(made, out):
    source = made("ext4")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        env = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://127.0.0.1:{server.server_port}"}
        own = ["-v", source, "-s", 16, "-d", out]
        bundle_vol(*own, env=env)
        bundle_vol(*own, "-p", "told", "--kernel", "eki-2", "-B", "ami=vda", "--productcodes", "two", "-r", "i386", env=env)
        server.shutdown()
    found = (out / "image.manifest.xml").read_text()
    for part in (
        "<architecture>x86_64</architecture>", "<kernel_id>eki-00000001</kernel_id>", "<ramdisk_id>eri-00000001</ramdisk_id>",
        "<product_code>one</product_code><product_code>two</product_code>",
        "<ancestor_ami_id>emi-00000001</ancestor_ami_id><ancestor_ami_id>emi-00000002</ancestor_ami_id>",
        "<mapping><virtual>ephemeral0</virtual><device>sda2</device></mapping>",
    ):
        assert part in found
    assert "ebs" not in found
    told = (out / "told.manifest.xml").read_text()
    assert "<kernel_id>eki-2</kernel_id>" in told and "<architecture>i386</architecture>" in told
    assert "<virtual>ami</virtual><device>vda</device>" in told and told.count("<virtual>ami<") == 1
    assert told.count("<product_code>two<") == 1
