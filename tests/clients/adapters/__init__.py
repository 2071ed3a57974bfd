"""One adapter a client: how each operation of the matrix is asked of it.

An operation is a method. One that a client lacks is not there, and `cannot` has the reason. What methods are
given and give is said in `Adapter`'s list; keys and paths are text, bodies are files.
"""

import dataclasses
import os
import pathlib
import sys

import cloud as clouds

NO_S3 = "sends bundles only, by the column register"
NO_EC2 = "speaks S3 only"

# The columns of EC2, for clients that do not speak it.
EC2 = ["caller", "images", "register", "new-key", "own-key", "run", "find", "stop", "start", "reboot", "console",
       "tags", "terminate"]
S3 = ["buckets", "put", "list", "get", "range", "copy", "delete", "empty", "multipart", "acl", "presign"]


@dataclasses.dataclass
class Door:
    """Where a client finds the cloud, and by whose keys."""

    scheme: str
    clc: int
    walrus: int
    credentials: clouds.Credentials
    # A folder of the row's own.
    folder: pathlib.Path

    host = "127.0.0.1"
    ca = str(clouds.TLS / "ca.pem")

    @property
    def secure(self):
        return self.scheme == "https"

    @property
    def s3(self):
        return f"{self.scheme}://{self.host}:{self.walrus}"

    @property
    def ec2(self):
        return f"{self.scheme}://{self.host}:{self.clc}/services/Eucalyptus"

    @property
    def keys(self):
        return self.credentials["EC2_ACCESS_KEY"], self.credentials["EC2_SECRET_KEY"]

    @property
    def env(self):
        """What eucarc sets, for this scheme."""
        root = f"{self.scheme}://{self.host}:{self.clc}"
        return {
            **self.credentials.env, "HOME": str(self.folder), "PATH": os.environ["PATH"],
            "EC2_URL": self.ec2, "AWS_ENDPOINT_URL_EC2": self.ec2, "S3_URL": f"{self.s3}/services/Walrus",
            "AWS_ENDPOINT_URL_S3": self.s3, "AWS_ENDPOINT_URL_STS": f"{root}/services/Tokens",
        }


class Adapter:
    """What all adapters have. The operations are

    buckets(name): makes a bucket; gives the names of all, and removes it
    put(bucket, key, path): writes an object with the metadata note=kept, unless `notes` is false
    list(bucket, page) → keys: asks for pages of that size, if `pages`
    get(bucket, key, path): reads an object into a file
    range(bucket, key, first, last, path) → bytes: that part; always to the end if `to_the_end`
    copy(bucket, key, new), delete(bucket, key), empty(bucket)
    multipart(bucket, key, path): writes an object in parts of 5 MiB
    acl(bucket, key, path): writes an object and lets everybody read it
    presign(bucket, key) → URL
    caller() → account
    images() → ids; register(location, name) → id, which is gone again
    new_key(name) → private half, after it was listed and removed
    own_key(name, path)
    run(image, key, data) → id
    find(name, value) → ids of instances that a filter lets pass
    stop(id), start(id), reboot(id), terminate(id), console(id) → text
    tags(id) → what it reads between setting a=1, b=2 and taking b off
    """

    cannot = {}
    notes = True
    pages = True
    to_the_end = False

    def __init__(self, door):
        self.door = door


def tool(name):
    """A program beside the Python that runs the tests."""
    return os.path.join(os.path.dirname(sys.executable), name)
