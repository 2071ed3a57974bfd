"""s3cmd, with signatures of version 2 and 4."""

import cloud as clouds
from adapters import EC2, NO_EC2, Adapter, tool


class Client(Adapter):
    cannot = dict.fromkeys(EC2, NO_EC2)
    signature_v2 = False
    pages = False
    # What it can do of ranges is to go on with a file that broke off.
    to_the_end = True

    def __init__(self, door):
        super().__init__(door)
        self.config = door.folder / "s3cfg"
        at = f"{door.host}:{door.walrus}"
        self.config.write_text(
            f"[default]\naccess_key = {door.keys[0]}\nsecret_key = {door.keys[1]}\n"
            f"host_base = {at}\nhost_bucket = {at}\nbucket_location = eucalyptus\n"
            f"use_https = {door.secure}\nsignurl_use_https = {door.secure}\nca_certs_file = {door.ca}\nsignature_v2 = {self.signature_v2}\n"
        )

    def s3cmd(self, *arguments):
        env = {"PATH": self.door.env["PATH"], "HOME": str(self.door.folder)}
        return clouds.run([tool("s3cmd"), "-c", self.config, "--no-progress", *arguments], env)

    def buckets(self, name):
        self.s3cmd("mb", f"s3://{name}")
        names = [line.split("s3://")[1] for line in self.s3cmd("ls").splitlines()]
        self.s3cmd("rb", f"s3://{name}")
        return names

    def put(self, bucket, key, path):
        self.s3cmd("put", path, f"s3://{bucket}/{key}", "--add-header=x-amz-meta-note:kept")
        told = self.s3cmd("info", f"s3://{bucket}/{key}")
        assert "x-amz-meta-note: kept" in told and f"File size: {path.stat().st_size}" in told

    def list(self, bucket, page):
        lines = self.s3cmd("ls", "--recursive", f"s3://{bucket}").splitlines()
        return [line.split(f"s3://{bucket}/")[1] for line in lines]

    def get(self, bucket, key, path):
        self.s3cmd("get", f"s3://{bucket}/{key}", path)

    def range(self, bucket, key, first, last, path):
        path.write_bytes(b"\0" * first)
        self.s3cmd("get", "--continue", f"s3://{bucket}/{key}", path)
        return path.read_bytes()[first:]

    def copy(self, bucket, key, new):
        self.s3cmd("cp", f"s3://{bucket}/{key}", f"s3://{bucket}/{new}")

    def delete(self, bucket, key):
        self.s3cmd("del", f"s3://{bucket}/{key}")

    def empty(self, bucket):
        self.s3cmd("del", "--recursive", "--force", f"s3://{bucket}")

    def multipart(self, bucket, key, path):
        self.s3cmd("put", path, f"s3://{bucket}/{key}", "--multipart-chunk-size-mb=5")

    def acl(self, bucket, key, path):
        self.s3cmd("put", path, f"s3://{bucket}/{key}")
        self.s3cmd("setacl", "--acl-public", f"s3://{bucket}/{key}")
        assert "*anon*: READ" in self.s3cmd("info", f"s3://{bucket}/{key}")

    def presign(self, bucket, key):
        return self.s3cmd("signurl", f"s3://{bucket}/{key}", "+600").strip()


class V2(Client):
    signature_v2 = True


class V4(Client):
    signature_v2 = False
