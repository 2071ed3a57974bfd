"""rclone as Debian has it, with signatures of version 2 and 4."""

import cloud as clouds
from adapters import EC2, NO_EC2, Adapter


class Client(Adapter):
    cannot = dict.fromkeys(EC2, NO_EC2)
    v2 = False

    def __init__(self, door):
        super().__init__(door)
        # Without what eucarc sets: with AWS_CA_BUNDLE this rclone refuses to work.
        self.env = {
            "PATH": door.env["PATH"], "HOME": str(door.folder), "RCLONE_CONFIG": str(door.folder / "rclone.conf"), "RCLONE_CA_CERT": door.ca,
            "RCLONE_CONFIG_W_TYPE": "s3", "RCLONE_CONFIG_W_PROVIDER": "Other",
            "RCLONE_CONFIG_W_ACCESS_KEY_ID": door.keys[0], "RCLONE_CONFIG_W_SECRET_ACCESS_KEY": door.keys[1],
            "RCLONE_CONFIG_W_ENDPOINT": door.s3, "RCLONE_CONFIG_W_REGION": "eucalyptus",
            "RCLONE_CONFIG_W_V2_AUTH": str(self.v2).lower(),
        }
        (door.folder / "rclone.conf").touch()

    def rclone(self, *arguments):
        return clouds.run(["rclone", "--retries=1", *arguments], self.env)

    def buckets(self, name):
        self.rclone("mkdir", f"w:{name}")
        names = self.rclone("lsf", "w:").replace("/", "").splitlines()
        self.rclone("rmdir", f"w:{name}")
        return names

    def put(self, bucket, key, path):
        self.rclone("copyto", path, f"w:{bucket}/{key}", "--header-upload", "X-Amz-Meta-Note: kept")

    def list(self, bucket, page):
        return self.rclone("lsf", "-R", "--files-only", "--s3-list-chunk", str(page), f"w:{bucket}").splitlines()

    def get(self, bucket, key, path):
        self.rclone("copyto", f"w:{bucket}/{key}", path)

    def range(self, bucket, key, first, last, path):
        count = str(last - first + 1)
        # Bytes that are no text: into a file.
        with open(path, "wb") as file:
            clouds.run(["rclone", "cat", "--offset", str(first), "--count", count, f"w:{bucket}/{key}"],
                       self.env, stdout=file)
        return path.read_bytes()

    def copy(self, bucket, key, new):
        self.rclone("copyto", f"w:{bucket}/{key}", f"w:{bucket}/{new}")

    def delete(self, bucket, key):
        self.rclone("deletefile", f"w:{bucket}/{key}")

    def empty(self, bucket):
        self.rclone("delete", f"w:{bucket}")

    def multipart(self, bucket, key, path):
        self.rclone("copyto", path, f"w:{bucket}/{key}", "--s3-chunk-size=5Mi", "--s3-upload-cutoff=5Mi")

    def acl(self, bucket, key, path):
        self.rclone("copyto", path, f"w:{bucket}/{key}", "--s3-acl=public-read")


class V2(Client):
    cannot = {**Client.cannot, "presign": "by signature version 2 rclone's links are not signed"}
    v2 = True


class V4(Client):
    v2 = False

    def presign(self, bucket, key):
        return self.rclone("link", "--expire=1h", f"w:{bucket}/{key}").strip()
