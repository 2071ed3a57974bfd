"""How fast an image becomes a bundle and a bundle its image, against the pipelines that everybody could type.

    tar c | gzip (or pigz) | openssl enc -aes-128-cbc | split        cat | openssl enc -d | gunzip | tar x

Two images: (a) an ext4 file system of 1 GiB with a sample of this machine's /usr in it, (b) a sparse one of 10 GiB
with the same. All take turns in one run; a row holds medians. CPU seconds are those of a whole pipeline, memory is
that of its largest process. Below stand the rates of the steps that no processor more can make faster.
What counts are the ratios, on a machine that does nothing else: it fails if one is below what it should be.
"""

import argparse
import hashlib
import os
import pathlib
import re
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEY, IV = "000102030405060708090a0b0c0d0e0f", "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
PART = 10_485_760
# Our rate over a rival's, at least.
WANTED = {"gzip": 6.0, "pigz": 3.0, "foreign": 1.7, "own": 3.0}


def run(*command, **more):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, **more).stdout


def build():
    """A euca as it is shipped: optimised, without the checks of a development build."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    run("cargo", "build", "--release", "--locked", "-p", "euca", "--manifest-path", ROOT / "Cargo.toml")
    return target / "release/euca"


def sample_of_usr(tree, most):
    """Copies the same files of /usr every time, a fair share from everywhere, at most so many bytes."""
    files = []
    for folder, folders, names in os.walk("/usr"):
        folders.sort()
        files += [path for name in sorted(names) if (path := pathlib.Path(folder, name)).is_file() and not path.is_symlink()]
    share = min(1.0, most / sum(path.stat().st_size for path in files))
    copied = 0
    for path in files:
        lot = int.from_bytes(hashlib.sha1(str(path).encode()).digest()[:8], "big") / 2**64
        size = path.stat().st_size
        if lot < share and copied + size <= most and os.access(path, os.R_OK):
            to = tree / path.relative_to("/")
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, to)
            copied += size


def make_images(work, mib, sparse_gib):
    tree = work / "tree"
    tree.mkdir()
    sample_of_usr(tree, mib * 83 // 100 << 20)
    images = {"a": work / "a.img", "b": work / "b.img"}
    for name, size in (("a", f"{mib}M"), ("b", f"{sparse_gib}G")):
        run("truncate", "-s", size, images[name])
        run("mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, images[name])
    shutil.rmtree(tree)
    return images


def family(pid):
    """A process and all that came of it."""
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        children = []
    return [pid, *(each for child in children for each in family(child))]


def peak(pid):
    """The most memory that a process held since it became what it is, MiB."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0.0
    return int(found.group(1)) / 1024 if found else 0.0


class Took:
    """What a command took: seconds, CPU seconds, MiB of its largest process, seen twenty times a second."""

    def __init__(self, command, environment):
        os.sync()
        began = time.perf_counter()
        with tempfile.TemporaryFile() as complaint:
            process = subprocess.Popen(
                list(map(str, command)), stdout=subprocess.DEVNULL, stderr=complaint, env=environment
            )
            self.mib = 0.0
            ended = os.pidfd_open(process.pid)
            while not select.select([ended], [], [], 0.05)[0]:
                self.mib = max(self.mib, *map(peak, family(process.pid)))
            self.wall = time.perf_counter() - began
            os.close(ended)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.cpu = usage.ru_utime + usage.ru_stime
            complaint.seek(0)
            assert process.returncode == 0, f"{command}: {complaint.read().decode(errors='replace')}"


def empty(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def size_of(folder):
    return sum(part.stat().st_size for part in folder.glob("*part*"))


def tenth_parts(folder):
    return sorted(folder.glob("*.part.*"), key=lambda part: int(part.suffix[1:]))


def packed_by_pipe(image, compressor, out, options=""):
    return ["bash", "-c", f"set -o pipefail; tar c{options} -C {image.parent} {image.name} | {compressor} "
            f"| openssl enc -e -aes-128-cbc -K {KEY} -iv {IV} | split -b {PART} -d -a 4 - {out}/part."]


def unpacked_by_pipe(parts, out):
    return ["bash", "-c", f"set -o pipefail; cat {' '.join(map(str, parts))} "
            f"| openssl enc -d -aes-128-cbc -K {KEY} -iv {IV} | gunzip | tar x --sparse -C {out}"]


def foreign(work, image, name, manifest):
    """The bundle that the gzip pipeline makes, with the manifest that belongs to it."""
    folder = empty(work / f"foreign-{name}")
    run(*packed_by_pipe(image, "gzip", folder))
    parts = sorted(folder.glob("part.*"))
    listed = []
    for index, part in enumerate(parts):
        digest = hashlib.sha1(part.read_bytes()).hexdigest()
        part.rename(folder / f"{image.name}.part.{index}")
        listed.append(f'<part index="{index}"><filename>{image.name}.part.{index}</filename>'
                      f'<digest algorithm="SHA1">{digest}</digest></part>')
    tar = subprocess.Popen(["tar", "c", "-C", image.parent, image.name], stdout=subprocess.PIPE)
    digest = hashlib.file_digest(tar.stdout, "sha1").hexdigest()
    assert tar.wait() == 0
    text = manifest.read_text()
    for pattern, new in (
        (r"(</type>.*?<digest[^>]*>)[0-9a-f]+", rf"\g<1>{digest}"),
        (r"(<bundled_size>)\d+", rf"\g<1>{size_of(folder)}"),
        (r'<parts count="\d+">.*</parts>', f'<parts count="{len(parts)}">{"".join(listed)}</parts>'),
    ):
        text, times = re.subn(pattern, new, text, count=1, flags=re.S)
        assert times == 1, pattern
    path = folder / manifest.name
    path.write_text(text)
    return path


def same(left, right):
    return run("cmp", left, right) == b""


def rounds(count, runs):
    """Runs everything in turn; the order changes, so that nobody always has the warmer cache. Medians."""
    taken = {name: [] for name in runs}
    for turn in range(count):
        for name in list(runs)[turn % len(runs):] + list(runs)[: turn % len(runs)]:
            taken[name].append(runs[name]())
    middle = lambda name, what: statistics.median(getattr(took, what) for took in taken[name])
    return {name: {what: middle(name, what) for what in ("wall", "cpu", "mib")} for name in runs}


class Table:
    def __init__(self):
        self.lost = []
        print("| image | what | wall s | CPU s | MiB | bundle bytes | wall, ours is | CPU, ours is |")
        print("|---|---|---:|---:|---:|---:|---:|---:|")

    def rows(self, image, what, medians, sizes, wanted):
        ours = medians["ours"]
        for name, took in medians.items():
            wall, cpu = took["wall"] / ours["wall"], took["cpu"] / ours["cpu"]
            ratios = "| | |" if name == "ours" else f"| {wall:.2f} × | {cpu:.2f} × |"
            print(f"| {image} | {what}: {name} | {took['wall']:.2f} | {took['cpu']:.2f} | {took['mib']:.0f} "
                  f"| {sizes.get(name, '')} {ratios}", flush=True)
            least = wanted.get(name, 0)
            if wall < least:
                self.lost.append(f"{image}, {what}: {wall:.2f} times as fast as {name}, wanted {least}")
        if ours["mib"] > 200:
            self.lost.append(f"{image}, {what}: {ours['mib']:.0f} MiB")


def openssl_rate(*algorithm):
    """Million bytes a second of one processor."""
    out = run("openssl", "speed", "-mr", "-seconds", 1, "-bytes", 65536, *algorithm).decode()
    return float(out.strip().splitlines()[-1].split(":")[-1]) / 1e6


def limits(image):
    piece = next(piece for piece in pieces(image) if len(zlib.compress(piece, 1)) * 4 > len(piece))
    packed = zlib.compress(piece, 6)
    began, times = time.perf_counter(), 0
    while time.perf_counter() - began < 1:
        zlib.decompress(packed)
        times += 1
    inflate = times * len(piece) / (time.perf_counter() - began) / 1e6
    return {
        "SHA-1": openssl_rate("-evp", "sha1"),
        "AES-128-CBC, encrypting": openssl_rate("-evp", "aes-128-cbc"),
        "AES-128-CBC, decrypting": openssl_rate("-evp", "aes-128-cbc", "-decrypt"),
        "inflate (zlib), bytes that come out": inflate,
    }


def pieces(image):
    with open(image, "rb") as file:
        while piece := file.read(16 << 20):
            yield piece


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--euca", type=pathlib.Path, help="a euca that is built already")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--mib", type=int, default=1024, help="size of image (a)")
    options.add_argument("--sparse-gib", type=int, default=10, help="size of image (b)")
    options.add_argument("--only", choices=("bundle", "unbundle"))
    options = options.parse_args()
    missing = [tool for tool in ("gzip", "pigz", "openssl", "split", "tar", "mke2fs") if not shutil.which(tool)]
    if missing:
        sys.exit(f"needs {', '.join(missing)}: apt-get install pigz e2fsprogs openssl")

    euca = (options.euca or build()).resolve()
    work = pathlib.Path(tempfile.mkdtemp(prefix="eucalypt-bench-"))
    environment = {"PATH": os.environ["PATH"], "HOME": str(work)}
    try:
        images = make_images(work, options.mib, options.sparse_gib)
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=bench", "-days", "2",
            "-keyout", work / "pk.pem", "-out", work / "cert.pem")
        table = Table()
        reached = {}

        def ours(image, out):
            return [euca, "bundle-image", "-i", image, "-r", "x86_64", "-d", out, "-u", "111111111111", "-c",
                    work / "cert.pem", "-k", work / "pk.pem", "--ec2cert", work / "cert.pem", "--enc-key", KEY,
                    "--enc-iv", IV]

        for name, image in images.items():
            out = {who: work / f"bundle-{who}" for who in ("ours", "gzip", "pigz", "tar-S")}
            commands = {
                "ours": lambda to: ours(image, to),
                "gzip": lambda to: packed_by_pipe(image, "gzip", to),
                "pigz": lambda to: packed_by_pipe(image, "pigz", to),
            }
            if name == "b":
                # What the oldest tools did; nobody asks for its ratio, but it shall be seen.
                commands["tar-S"] = lambda to: packed_by_pipe(image, "gzip", to, "S")
            if options.only != "unbundle":
                medians = rounds(options.rounds, {
                    who: lambda who=who: Took(commands[who](empty(out[who])), environment) for who in commands
                })
                sizes = {who: size_of(out[who]) for who in commands}
                table.rows(name, "bundle", medians, sizes, WANTED)
                for who in ("gzip", "pigz"):
                    if sizes["ours"] > sizes[who]:
                        table.lost.append(f"{name}: our bundle has {sizes['ours']} bytes, that of {who} {sizes[who]}")
                reached[f"bundle ({name})"] = image.stat().st_size / medians["ours"]["wall"] / 1e6
            if options.only == "bundle":
                continue
            own = empty(work / "own")
            run(*ours(image, own), env=environment)
            (manifest,) = own.glob("*.manifest.xml")
            for kind, manifest in (("own", manifest), ("foreign", foreign(work, image, name, manifest))):
                into = {who: work / f"unpacked-{who}" for who in ("ours", kind)}
                commands = {
                    "ours": [euca, "unbundle", "-m", manifest, "-s", manifest.parent, "-d", into["ours"], "-k",
                             work / "pk.pem"],
                    kind: unpacked_by_pipe(tenth_parts(manifest.parent), into[kind]),
                }

                def unpack(who):
                    empty(into[who])
                    return Took(commands[who], environment)

                medians = rounds(options.rounds, {who: lambda who=who: unpack(who) for who in commands})
                for folder in into.values():
                    (made,) = folder.iterdir()
                    assert same(made, image), folder
                    shutil.rmtree(folder)
                table.rows(name, f"unbundle, {kind} bundle", medians, {"ours": size_of(manifest.parent)}, WANTED)
                reached[f"unbundle ({name}), {kind} bundle"] = image.stat().st_size / medians["ours"]["wall"] / 1e6
        print("\n| one processor of this machine | MB/s | the engine, bytes of the image | MB/s |\n|---|---:|---|---:|")
        rates = list(limits(images["a"]).items())
        for at in range(max(len(rates), len(reached))):
            left = rates[at] if at < len(rates) else ("", "")
            right = list(reached.items())[at] if at < len(reached) else ("", "")
            print("| " + " | ".join(f"{cell:.0f}" if isinstance(cell, float) else cell for cell in (*left, *right)) + " |")
        for lost in table.lost:
            print(f"lost: {lost}")
        return 1 if table.lost else 0
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    sys.exit(main())
