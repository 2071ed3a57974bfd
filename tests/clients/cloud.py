"""A whole cloud for real clients: the three programs as processes on free ports, simulated guests.

Nothing here sleeps for luck: each wait names its condition and has a deadline.
"""

import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
TLS = ROOT / "tests/data/tls"
# Services that are not called as their program is.
PROGRAMS = {"node2": "node-agent"}
BIN = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"


def wait_until(condition, what, seconds=30.0, seen=None):
    """Waits for a condition; when it does not come, says what was waited for and what `seen` sees instead."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}{': ' + str(seen()) if seen else ''}")
        time.sleep(0.02)


def free_ports(count):
    """Ports that were free a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Cloud:
    """clc, walrus and one node agent, below one folder; guests are simulated unless asked for."""

    # What the node has: with each processor 1 GiB of memory and 16 GiB of disk.
    cpus = 64

    def __init__(self, folder, driver="sim", https=False):
        self.dir = pathlib.Path(folder)
        self.driver = driver
        self.https = https
        self.processes = {}
        names = ["clc", "clc_in", "walrus", "walrus_in", "node_in", "clc_tls", "walrus_tls", "console"]
        self.ports = dict(zip(names, free_ports(len(names))))
        (self.dir / "etc").mkdir(parents=True)
        key = self.dir / "etc/peer.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(32))
        self.configure()

    def configure(self):
        d, p = self.dir, self.ports
        common = f'peer_key_file = "{d}/etc/peer.key"\n'
        (d / "etc/clc.toml").write_text(
            f'data_dir = "{d}/clc"\nadmin_dir = "{d}/admin"\npublic_host = "127.0.0.1"\n'
            f'listen = "127.0.0.1:{p["clc"]}"\ninternal_listen = "127.0.0.1:{p["clc_in"]}"\n'
            f'console_listen = "127.0.0.1:{p["console"]}"\n'
            + common
            + self.tls("clc")
            + f'[walrus]\nurl = "http://127.0.0.1:{p["walrus_in"]}"\n'
            f'public_url = "{self.s3_root}/services/Walrus"\n'
            f'[[nodes]]\nname = "node1"\nurl = "http://127.0.0.1:{p["node_in"]}"\n'
            'zone = "eucalyptus-1a"\n'
        )
        (d / "etc/walrus.toml").write_text(
            f'data_dir = "{d}/walrus"\nlisten = "127.0.0.1:{p["walrus"]}"\n'
            f'internal_listen = "127.0.0.1:{p["walrus_in"]}"\n'
            + common
            + 'domains = ["s3.localhost"]\n'
            + self.tls("walrus")
            + f'[clc]\nurl = "http://127.0.0.1:{p["clc_in"]}"\n'
        )
        (d / "etc/node-agent.toml").write_text(
            f'name = "node1"\ndata_dir = "{d}/node"\n'
            f'internal_listen = "127.0.0.1:{p["node_in"]}"\ndriver = "{self.driver}"\n'
            f'run_dir = "{tempfile.gettempdir()}/eucalypt-{os.getpid()}"\n'
            f"cpus = {self.cpus}\nmemory_mib = {self.cpus << 10}\ndisk_mib = {self.cpus << 14}\n" + common
        )

    @property
    def s3_root(self):
        """Where S3 is, as users are told."""
        scheme, port = ("https", "walrus_tls") if self.https else ("http", "walrus")
        return f"{scheme}://127.0.0.1:{self.ports[port]}"

    def tls(self, name):
        """The keys that open a https listener beside the http one."""
        if not self.https:
            return ""
        ca = f'tls_ca_file = "{TLS}/ca.pem"\n' if name == "clc" else ""
        return (
            f'tls_listen = "127.0.0.1:{self.ports[name + "_tls"]}"\n{ca}'
            f'tls_cert_file = "{TLS}/server.pem"\ntls_key_file = "{TLS}/server-key.pem"\n'
        )

    def start(self, name):
        log = open(self.dir / f"{name}.log", "ab")
        self.processes[name] = subprocess.Popen(
            [BIN / PROGRAMS.get(name, name), "--config", self.dir / f"etc/{name}.toml"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )

    def wait_healthy(self, name):
        port = self.ports[{"node-agent": "node_in"}.get(name, f"{name}_in")]

        def healthy():
            assert self.processes[name].poll() is None, f"{name} has ended:\n{self.log(name)}"
            try:
                return urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2).status == 200
            except OSError:
                return False

        wait_until(healthy, f"{name} is healthy")

    def raise_all(self):
        for name in ("clc", "walrus", "node-agent"):
            self.start(name)
        for name in ("clc", "walrus", "node-agent"):
            self.wait_healthy(name)

    def stop(self, name, how=signal.SIGTERM):
        process = self.processes.pop(name)
        process.send_signal(how)
        process.wait(timeout=15)

    def restart(self, name, how=signal.SIGTERM):
        self.stop(name, how)
        self.start(name)
        self.wait_healthy(name)

    def stop_all(self):
        for name in list(self.processes):
            try:
                self.stop(name)
            except subprocess.TimeoutExpired:
                process = self.processes.get(name)
                if process:
                    process.kill()

    def guests(self):
        """The processes of this cloud's real guests."""
        found = []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if b"qemu-system" in command.split(b"\0")[0] and str(self.dir).encode() in command:
                found.append(int(folder.name))
        return found

    def log(self, name):
        return (self.dir / f"{name}.log").read_text(errors="replace")[-4000:]

    def add_user(self, name):
        folder = self.dir / "users" / name
        run([BIN / "clc", "admin", "add-user", name, "--dir", folder, "--config", self.dir / "etc/clc.toml"])
        return Credentials(folder)

    @property
    def administrator(self):
        return Credentials(self.dir / "admin")


class Credentials:
    """What eucarc sets, as sh sees it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        script = f". {shlex.quote(str(self.folder / 'eucarc'))} && env"
        # Only PATH is passed on: nothing of the caller's may win over the file.
        text = subprocess.run(
            ["bash", "-c", script], check=True, capture_output=True, text=True,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder)},
        ).stdout
        self.env = dict(re.findall(r"^([A-Z0-9_]+)=(.*)$", text, re.M))

    def __getitem__(self, name):
        return self.env[name]

    def euca(self, *arguments):
        return run([BIN / "euca", *arguments], env=self.env)


def run(command, env=None, stdout=subprocess.PIPE):
    """Runs a command and gives what it printed; fails with what it complained of."""
    done = subprocess.run(
        [str(c) for c in command], stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, text=True,
        env=env, timeout=120,
    )
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def aws(credentials, *arguments, **variables):
    """Runs awscli with what eucarc sets and nothing else."""
    aws = pathlib.Path(sys.executable).parent / "aws"
    return run([aws, *arguments], env={**credentials.env, **variables})


def claim(disk):
    """Makes a disk say, as ext2 does, that it reaches no further than its image: the rest is not saved with it."""
    for at, value in ((4, len(disk) // 1024), (24, 0), (56, 0xEF53), (96, 0)):
        disk[1024 + at:1024 + at + 4] = value.to_bytes(4, "little")


def bundle(credentials, image, folder, *options):
    """Bundles a file and gives the manifest and the parts, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    credentials.euca("bundle-image", "-i", image, "-r", "x86_64", "-d", folder, *options)
    (manifest,) = folder.glob("*.manifest.xml")
    parts = sorted(folder.glob("*.part.*"), key=lambda path: int(path.suffix[1:]))
    return manifest, parts
