"""awscli by what eucarc sets and nothing else: `aws s3` where it has the operation, else `aws s3api`."""

import json

import cloud as clouds
from adapters import Adapter, tool


class Client(Adapter):
    def aws(self, *arguments):
        return clouds.run([tool("aws"), "--output", "json", *arguments], self.door.env)

    def asked(self, *arguments):
        return json.loads(self.aws(*arguments))

    def buckets(self, name):
        self.aws("s3", "mb", f"s3://{name}")
        names = [line.split()[-1] for line in self.aws("s3", "ls").splitlines()]
        self.aws("s3", "rb", f"s3://{name}")
        return names

    def put(self, bucket, key, path):
        self.aws("s3", "cp", path, f"s3://{bucket}/{key}", "--metadata", "note=kept", "--only-show-errors")

    def list(self, bucket, page):
        lines = self.aws("s3", "ls", f"s3://{bucket}", "--recursive", "--page-size", str(page)).splitlines()
        return [line.split(maxsplit=3)[3] for line in lines]

    def get(self, bucket, key, path):
        self.aws("s3", "cp", f"s3://{bucket}/{key}", path, "--only-show-errors")

    def range(self, bucket, key, first, last, path):
        self.aws("s3api", "get-object", "--bucket", bucket, "--key", key, "--range", f"bytes={first}-{last}", path)
        return path.read_bytes()

    def copy(self, bucket, key, new):
        self.aws("s3", "cp", f"s3://{bucket}/{key}", f"s3://{bucket}/{new}", "--only-show-errors")

    def delete(self, bucket, key):
        # A file that is moved away is copied and removed.
        self.aws("s3", "mv", f"s3://{bucket}/{key}", f"s3://{bucket}/moved", "--only-show-errors")
        self.aws("s3", "rm", f"s3://{bucket}/moved", "--only-show-errors")

    def empty(self, bucket):
        found = self.asked("s3api", "list-objects-v2", "--bucket", bucket)["Contents"]
        keys = {"Objects": [{"Key": one["Key"]} for one in found]}
        answer = self.asked("s3api", "delete-objects", "--bucket", bucket, "--delete", json.dumps(keys))
        assert len(answer["Deleted"]) == len(found)

    def multipart(self, bucket, key, path):
        config = self.door.folder / "aws-parts"
        config.write_text("[default]\ns3 =\n  multipart_threshold = 5MB\n  multipart_chunksize = 5MB\n")
        command = [tool("aws"), "s3", "cp", path, f"s3://{bucket}/{key}", "--only-show-errors"]
        clouds.run(command, {**self.door.env, "AWS_CONFIG_FILE": str(config)})

    def acl(self, bucket, key, path):
        self.aws("s3api", "put-object", "--bucket", bucket, "--key", key, "--body", path)
        self.aws("s3api", "put-object-acl", "--bucket", bucket, "--key", key, "--acl", "public-read")

    def presign(self, bucket, key):
        return self.aws("s3", "presign", f"s3://{bucket}/{key}").strip()

    def caller(self):
        return self.asked("sts", "get-caller-identity")["Account"]

    def images(self):
        return [image["ImageId"] for image in self.asked("ec2", "describe-images")["Images"]]

    def register(self, location, name):
        image = self.asked("ec2", "register-image", "--image-location", location, "--name", name)["ImageId"]
        self.aws("ec2", "deregister-image", "--image-id", image)
        return image

    def new_key(self, name):
        pair = self.asked("ec2", "create-key-pair", "--key-name", name)
        (found,) = self.asked("ec2", "describe-key-pairs", "--key-names", name)["KeyPairs"]
        assert found["KeyFingerprint"] == pair["KeyFingerprint"]
        self.aws("ec2", "delete-key-pair", "--key-name", name)
        return pair["KeyMaterial"]

    def own_key(self, name, path):
        self.aws("ec2", "import-key-pair", "--key-name", name, "--public-key-material", f"fileb://{path}")

    def run(self, image, key, data):
        ran = self.asked("ec2", "run-instances", "--image-id", image, "--key-name", key, "--user-data", data)
        return ran["Instances"][0]["InstanceId"]

    def find(self, name, value):
        found = self.asked("ec2", "describe-instances", "--filters", f"Name={name},Values={value}")
        return [i["InstanceId"] for r in found["Reservations"] for i in r["Instances"]]

    def stop(self, instance):
        self.aws("ec2", "stop-instances", "--instance-ids", instance)

    def start(self, instance):
        self.aws("ec2", "start-instances", "--instance-ids", instance)

    def reboot(self, instance):
        self.aws("ec2", "reboot-instances", "--instance-ids", instance)

    def console(self, instance):
        return self.asked("ec2", "get-console-output", "--instance-id", instance)["Output"]

    def tags(self, instance):
        self.aws("ec2", "create-tags", "--resources", instance, "--tags", "Key=a,Value=1", "Key=b,Value=2")
        found = self.asked("ec2", "describe-tags", "--filters", f"Name=resource-id,Values={instance}")["Tags"]
        self.aws("ec2", "delete-tags", "--resources", instance, "--tags", "Key=b")
        return {tag["Key"]: tag["Value"] for tag in found}

    def terminate(self, instance):
        self.aws("ec2", "terminate-instances", "--instance-ids", instance)
