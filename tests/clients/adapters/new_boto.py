"""boto3, with its own settings but for the way to address buckets."""

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

from adapters import Adapter

MIB = 1 << 20


class Client(Adapter):
    def __init__(self, door):
        super().__init__(door)
        config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1})

        def client(service, url):
            return boto3.client(
                service, region_name="eucalyptus", endpoint_url=url, config=config, verify=door.ca,
                aws_access_key_id=door.keys[0], aws_secret_access_key=door.keys[1],
            )

        self.s3 = client("s3", door.s3)
        self.ec2 = client("ec2", door.ec2)
        self.sts = client("sts", door.env["AWS_ENDPOINT_URL_STS"])

    def buckets(self, name):
        self.s3.create_bucket(Bucket=name)
        names = [bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]]
        self.s3.delete_bucket(Bucket=name)
        return names

    def put(self, bucket, key, path):
        with open(path, "rb") as file:
            self.s3.put_object(Bucket=bucket, Key=key, Body=file, Metadata={"note": "kept"})

    def list(self, bucket, page):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": page})
        return [found["Key"] for page in pages for found in page["Contents"]]

    def get(self, bucket, key, path):
        self.s3.download_file(bucket, key, str(path))

    def range(self, bucket, key, first, last, path):
        return self.s3.get_object(Bucket=bucket, Key=key, Range=f"bytes={first}-{last}")["Body"].read()

    def copy(self, bucket, key, new):
        self.s3.copy_object(CopySource={"Bucket": bucket, "Key": key}, Bucket=bucket, Key=new)

    def delete(self, bucket, key):
        self.s3.delete_object(Bucket=bucket, Key=key)

    def empty(self, bucket):
        keys = [{"Key": key} for key in self.list(bucket, 1000)]
        answer = self.s3.delete_objects(Bucket=bucket, Delete={"Objects": keys})
        assert len(answer["Deleted"]) == len(keys) and "Errors" not in answer

    def multipart(self, bucket, key, path):
        config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
        self.s3.upload_file(str(path), bucket, key, Config=config)

    def acl(self, bucket, key, path):
        self.s3.upload_file(str(path), bucket, key)
        self.s3.put_object_acl(Bucket=bucket, Key=key, ACL="public-read")
        assert "AllUsers" in str(self.s3.get_object_acl(Bucket=bucket, Key=key)["Grants"])

    def presign(self, bucket, key):
        return self.s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})

    def caller(self):
        return self.sts.get_caller_identity()["Account"]

    def images(self):
        return [image["ImageId"] for image in self.ec2.describe_images()["Images"]]

    def register(self, location, name):
        image = self.ec2.register_image(ImageLocation=location, Name=name)["ImageId"]
        self.ec2.deregister_image(ImageId=image)
        return image

    def new_key(self, name):
        pair = self.ec2.create_key_pair(KeyName=name)
        (found,) = self.ec2.describe_key_pairs(KeyNames=[name])["KeyPairs"]
        assert found["KeyFingerprint"] == pair["KeyFingerprint"]
        self.ec2.delete_key_pair(KeyName=name)
        return pair["KeyMaterial"]

    def own_key(self, name, path):
        self.ec2.import_key_pair(KeyName=name, PublicKeyMaterial=path.read_bytes())

    def run(self, image, key, data):
        ran = self.ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, KeyName=key, UserData=data)
        return ran["Instances"][0]["InstanceId"]

    def find(self, name, value):
        pages = self.ec2.get_paginator("describe_instances").paginate(Filters=[{"Name": name, "Values": [value]}])
        return [i["InstanceId"] for page in pages for r in page["Reservations"] for i in r["Instances"]]

    def stop(self, instance):
        self.ec2.stop_instances(InstanceIds=[instance])

    def start(self, instance):
        self.ec2.start_instances(InstanceIds=[instance])

    def reboot(self, instance):
        self.ec2.reboot_instances(InstanceIds=[instance])

    def console(self, instance):
        return self.ec2.get_console_output(InstanceId=instance)["Output"]

    def tags(self, instance):
        self.ec2.create_tags(Resources=[instance], Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
        found = self.ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [instance]}])["Tags"]
        self.ec2.delete_tags(Resources=[instance], Tags=[{"Key": "b"}])
        return {tag["Key"]: tag["Value"] for tag in found}

    def terminate(self, instance):
        self.ec2.terminate_instances(InstanceIds=[instance])
