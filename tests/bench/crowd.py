"""A million users in a cloud that runs: what it takes to start, to copy them all to walrus, and to let one in.

The same is done with a thousand users in the same run. Asked by a key that nobody used before (cold), and by one
that was used a moment ago (warm), clc and walrus must not need much more processor time among the million; and no
service may hold more memory than is said here, at any time. Stores are filled by an import, in the form of
`clc store export`.
"""

import argparse
import hashlib
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/clients"))

import asking
import cloud as clouds

FEW, OF_ACCOUNT, NOW = 1000, 100, 1_795_000_000_000
POLICY = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}}'
WHO = b"Action=GetCallerIdentity&Version=2011-06-15"
# How many keys are asked with, each once, in a round, and how often the round goes.
KEYS, ROUNDS = 500, 9


def key(number):
    return f"AKI{number * 2654435761 % 10**17:017}"


def secret(number):
    return f"{number:040}"


class Export:
    """A file as `clc store export` writes it."""

    def __init__(self, path):
        self.file, self.hash, self.rows = open(path, "wb"), hashlib.sha256(), 0
        self.line({"store": "eucalypt", "format": 1})

    def line(self, value):
        text = json.dumps(value, separators=(",", ":")).encode() + b"\n"
        self.hash.update(text)
        self.file.write(text)

    def row(self, key, text):
        self.line({"key": key, "text": text})
        self.rows += 1

    def record(self, table, key, record):
        self.row(f"{table}/{key}", json.dumps({"v": 1, "r": record}, separators=(",", ":")))

    def end(self):
        self.line({"rows": self.rows, "sha256": self.hash.hexdigest()})
        self.file.close()


def fill(cloud, count):
    """Puts so many users into the clc's store, as if IAM had made them; each has a key and a policy."""
    clc = [clouds.BIN / "clc", "store"]
    config = ["--config", cloud.dir / "etc/clc.toml"]
    before, after = cloud.dir / "before", cloud.dir / "after"
    clouds.run([*clc, "export", before, *config])
    shutil.rmtree(cloud.dir / "clc/store")
    export, version = Export(after), 0
    for line in before.read_text().splitlines()[1:-1]:
        row = json.loads(line)
        if row["key"] == "identity-head/head":
            version = json.loads(row["text"])["r"]["version"]
            head = row
        else:
            export.row(row["key"], row["text"])
    told = []
    # Table by table, because rows that come in their order are written fastest.
    accounts = {n: f"{100_000_000_000 + n}" for n in range((count + OF_ACCOUNT - 1) // OF_ACCOUNT)}
    for n, number in accounts.items():
        record = {"number": number, "alias": f"account{n}", "enabled": True, "created": NOW}
        export.record("account", number, record)
        told.append(f"account/{number}")
    for n, number in accounts.items():
        export.row(f"index/account-by-alias/account{n}", number)
    users = [(n, accounts[n // OF_ACCOUNT], f"user{n:07}") for n in range(count)]
    for n, number, name in users:
        export.record("user", f"{number}/{name}", {
            "account": number, "name": name, "created": NOW, "id": f"AIDA{n:017}",
            "policies": {"attached": [], "inline": {"own": POLICY}},
        })
        told.append(f"user/{number}/{name}")
    for n, number, name in users:
        export.row(f"index/access-key-by-user/{number}/{name}/{key(n)}", key(n))
    for id, n, number, name in sorted((key(n), n, number, name) for n, number, name in users):
        export.record("access-key", id, {
            "id": id, "secret": secret(n), "account": number, "user": name, "created": NOW, "active": True,
        })
        told.append(f"access-key/{id}")
    for place, name in enumerate(told, version + 1):
        export.row(f"index/identity-feed/{place:020}", name)
    for place, name in enumerate(told, version + 1):
        export.row(f"index/identity-feed-of/{name}", f"{place:020}")
    head["text"] = json.dumps(json.loads(head["text"]) | {
        "r": json.loads(head["text"])["r"] | {"version": version + len(told)}
    })
    export.row(head["key"], head["text"])
    export.end()
    subprocess.run(list(map(str, [*clc, "import", after, *config])), check=True, capture_output=True)
    after.unlink()
    return version + len(told)


def figure(cloud, name):
    """A figure of walrus' metrics."""
    port = cloud.ports["walrus_in"]
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
    found = re.search(rf"^{name} ([0-9.e+-]+)$", text, re.M)
    return float(found[1]) if found else -1


def healthy(cloud, name):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{cloud.ports[name + '_in']}/healthz", timeout=2).status == 200
    except OSError:
        return False


def start(cloud, name, seconds):
    began = time.monotonic()
    cloud.start(name)
    clouds.wait_until(lambda: healthy(cloud, name), f"{name} is healthy", seconds)
    return time.monotonic() - began


def asks(cloud, name, numbers):
    """Signed requests of these users."""
    asker = asking.Asker(cloud.ports[name], {"clc": "sts", "walrus": "s3"}[name])
    if name == "clc":
        return [lambda n=n: asker.ask("POST", "/services/Tokens", key(n), secret(n), WHO) for n in numbers]
    return [lambda n=n: asker.ask("GET", "/services/Walrus/", key(n), secret(n)) for n in numbers]


def raised(work, count, found):
    """A cloud with so many users, all of them copied to walrus."""
    cloud = clouds.Cloud(work / str(count))
    try:
        start(cloud, "clc", 60)
        cloud.stop("clc")
        began = time.monotonic()
        last = fill(cloud, count)
        found["filled, s"] = time.monotonic() - began
        found["clc starts, s"] = start(cloud, "clc", 600)
        began = time.monotonic()
        start(cloud, "walrus", 600)

        def copied():
            return figure(cloud, "eucalypt_walrus_identity_position") >= last

        clouds.wait_until(copied, "everybody is copied", 1200)
        found["copied, s"] = time.monotonic() - began
        for name in ("clc", "walrus"):
            found[f"{name} copying, MiB"] = asking.memory(cloud.processes[name].pid, "VmHWM")
    except BaseException:
        cloud.stop_all()
        raise
    return cloud


def ask_all(raised):
    """Asks clouds in turns, so that a busy machine is busy for all of them; the cheapest round of each counts."""
    dice, costs = random.Random(5), {}
    for _ in range(ROUNDS):
        for cloud, found in raised:
            for name in ("clc", "walrus"):
                requests = asks(cloud, name, [dice.randrange(found["users"]) for _ in range(KEYS)])
                for word in ("first", "again"):
                    cost, _ = asking.cost(cloud.processes[name].pid, requests)
                    costs.setdefault((id(found), f"{name} {word}, µs"), []).append(cost)
    for cloud, found in raised:
        found.update({name: min(rounds) for (of, name), rounds in costs.items() if of == id(found)})
        for name in ("clc", "walrus"):
            found[f"{name} asked, MiB"] = asking.memory(cloud.processes[name].pid)


def end(cloud, found):
    """Starts walrus once more, with the copy that it has, and ends."""
    cloud.stop("walrus")
    found["walrus anew, s"] = start(cloud, "walrus", 600)
    found["walrus anew, MiB"] = asking.memory(cloud.processes["walrus"].pid, "VmHWM")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--users", type=int, default=1_000_000)
    options.add_argument("--programs", type=pathlib.Path, help="where clc and walrus are, if not built here")
    options.add_argument("--again", type=float, default=1.5, help="how much dearer a request may become")
    options.add_argument("--first", type=float, default=4.0, help="the same for a key that is read from the disk")
    options.add_argument("--limit-mib", type=int, default=1024, help="what a service may hold")
    options = options.parse_args()
    if options.programs:
        clouds.BIN = options.programs.resolve()
    else:
        subprocess.run(["cargo", "build", "--release", "--locked", "-p", "clc", "-p", "walrus"], cwd=ROOT, check=True)
        clouds.BIN = clouds.BIN.parent / "release"
    work = pathlib.Path(tempfile.mkdtemp(prefix="eucalypt-crowd-"))
    few, many, up = {"users": FEW}, {"users": options.users}, []
    try:
        for found in (few, many):
            up.append((raised(work, found["users"], found), found))
        ask_all(up)
        for cloud, found in up:
            end(cloud, found)
    finally:
        for cloud, _ in up:
            cloud.stop_all()
        shutil.rmtree(work)
    failed = []
    for name in few:
        line = f"{name:<22}{few[name]:>12.1f}{many[name]:>12.1f}"
        if name.endswith("µs"):
            ratio = many[name] / few[name]
            line += f"{ratio:>8.2f} times"
            failed += [name] if ratio > (options.first if "first" in name else options.again) else []
        if name.endswith("MiB") and many[name] > options.limit_mib:
            failed.append(name)
        print(line)
    if failed:
        sys.exit(f"more than it may be: {', '.join(failed)}")


if __name__ == "__main__":
    main()
