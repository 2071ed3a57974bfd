"""euca, ours: bundles to S3, and everything of EC2."""

import cloud as clouds
from adapters import NO_S3, S3, Adapter


class Client(Adapter):
    cannot = {**dict.fromkeys(S3, NO_S3), "caller": "euca has no command for it, and euca2ools had none"}

    def euca(self, *arguments):
        return clouds.run([clouds.BIN / "euca", *arguments], self.door.env)

    def rows(self, kind, *arguments):
        """The columns of the lines of one kind that a command prints."""
        lines = (line.split("\t") for line in self.euca(*arguments).splitlines())
        return [line for line in lines if line[0] == kind]

    def images(self):
        return [row[1] for row in self.rows("IMAGE", "describe-images", "-a")]

    def register(self, location, name):
        folder = self.door.folder / "bundle"
        folder.mkdir()
        disk = self.door.folder / "disk"
        disk.write_bytes(name.encode() * 50_000)
        self.euca("bundle-image", "-i", disk, "-r", "x86_64", "-d", folder)
        self.euca("upload-bundle", "-b", f"{name}-bundle", "-m", folder / "disk.manifest.xml")
        ((_, image),) = self.rows("IMAGE", "register", f"{name}-bundle/disk.manifest.xml", "-n", name)
        self.euca("deregister", image)
        return image

    def new_key(self, name):
        made = self.euca("create-keypair", name)
        assert self.rows("KEYPAIR", "describe-keypairs", name)[0][1] == name
        self.euca("delete-keypair", name)
        return made[made.index("-----BEGIN"):]

    def own_key(self, name, path):
        self.euca("import-keypair", "-f", path, name)

    def run(self, image, key, data):
        ((_, instance, *_),) = self.rows("INSTANCE", "run-instances", image, "-k", key, "-d", data)
        return instance

    def find(self, name, value):
        return [row[1] for row in self.rows("INSTANCE", "describe-instances", "--filter", f"{name}={value}")]

    def stop(self, instance):
        self.euca("stop-instances", instance)

    def start(self, instance):
        self.euca("start-instances", instance)

    def reboot(self, instance):
        self.euca("reboot-instances", instance)

    def console(self, instance):
        return self.euca("get-console-output", instance)

    def tags(self, instance):
        self.euca("create-tags", instance, "--tag", "a=1", "--tag", "b=2")
        found = self.rows("TAG", "describe-tags", "--filter", f"resource-id={instance}")
        self.euca("delete-tags", instance, "--tag", "b")
        return {row[-2]: row[-1] for row in found}

    def terminate(self, instance):
        self.euca("terminate-instances", instance)
