"""A whole cloud whose node agent belongs to a user without any rights and runs `--network user`."""

import os
import pathlib
import shutil
import subprocess
import tempfile

import cloud as clouds

USER = "nobody"


class UserCloud(clouds.Cloud):
    """clc and walrus as in every cloud; the node agent is an unprivileged user's, and all it has.

    With `outside` guests reach what that user reaches: this machine, too, as their gateway.
    """

    def __init__(self, folder, outside=False):
        super().__init__(folder, driver="qemu")
        # Where that user may reach it: neither a checkout nor pytest's folders need be.
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="eucalypt-user-"))
        shutil.copy(clouds.BIN / "node-agent", self.home)
        text = (self.dir / "etc/node-agent.toml").read_text()
        text = text.replace(f"{self.dir}/etc/peer.key", f"{self.home}/peer.key")
        text = text.replace(f"{self.dir}/node", f"{self.home}/node")
        text += f"masquerade = {str(outside).lower()}\n"
        (self.home / "node-agent.toml").write_text(text)
        shutil.copy(self.dir / "etc/peer.key", self.home)
        for path in (self.home, *self.home.iterdir()):
            shutil.chown(path, USER, "nogroup")

    def start(self, name):
        if name != "node-agent":
            return super().start(name)
        with open(self.dir / "node-agent.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                [self.home / "node-agent", "--network", "user", "--config", self.home / "node-agent.toml"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.home,
                user=USER, group="nogroup", extra_groups=[],
                env={"PATH": os.environ["PATH"], "HOME": str(self.home)},
            )

    def guests(self):
        found = []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if b"qemu-system" in command.split(b"\0")[0] and str(self.home).encode() in command:
                found.append(int(folder.name))
        return found

    def clear(self):
        shutil.rmtree(self.home)
