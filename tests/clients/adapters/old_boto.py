"""boto 2.49: S3 signed by version 2 below /services/Walrus, EC2 by version 2."""

import io

import boto
from boto.ec2.connection import EC2Connection
from boto.ec2.regioninfo import RegionInfo
from boto.s3.connection import OrdinaryCallingFormat, S3Connection

from adapters import Adapter

MIB = 1 << 20


class QueryV2(EC2Connection):
    """EC2 signed as boto did until 2014."""

    def _required_auth_capability(self):
        return ["ec2"]


class Client(Adapter):
    cannot = {"caller": "boto 2's STS does not know GetCallerIdentity"}

    def __init__(self, door):
        super().__init__(door)
        # boto knows no addresses in certificates, and takes an authority from its configuration only.
        host = "localhost" if door.secure else door.host
        if not boto.config.has_section("Boto"):
            boto.config.add_section("Boto")
        boto.config.set("Boto", "ca_certificates_file", door.ca)
        self.s3 = S3Connection(
            *door.keys, host=host, port=door.walrus, path="/services/Walrus", is_secure=door.secure,
            calling_format=OrdinaryCallingFormat(), validate_certs=True,
        )
        self.ec2 = QueryV2(
            *door.keys, is_secure=door.secure, port=door.clc, path="/services/Eucalyptus", validate_certs=True,
            region=RegionInfo(name="eucalyptus", endpoint=host),
        )

    def key(self, bucket, key):
        return self.s3.get_bucket(bucket).get_key(key)

    def buckets(self, name):
        self.s3.create_bucket(name)
        names = [bucket.name for bucket in self.s3.get_all_buckets()]
        self.s3.delete_bucket(name)
        return names

    def put(self, bucket, key, path):
        new = self.s3.get_bucket(bucket).new_key(key)
        new.set_metadata("note", "kept")
        new.set_contents_from_filename(str(path))

    def list(self, bucket, page):
        found, marker = [], ""
        while True:
            some = self.s3.get_bucket(bucket).get_all_keys(max_keys=page, marker=marker)
            found += [key.name for key in some]
            if not some.is_truncated:
                return found
            marker = found[-1]

    def get(self, bucket, key, path):
        self.key(bucket, key).get_contents_to_filename(str(path))

    def range(self, bucket, key, first, last, path):
        return self.key(bucket, key).get_contents_as_string(headers={"Range": f"bytes={first}-{last}"})

    def copy(self, bucket, key, new):
        self.key(bucket, key).copy(bucket, new)

    def delete(self, bucket, key):
        self.key(bucket, key).delete()

    def empty(self, bucket):
        bucket = self.s3.get_bucket(bucket)
        assert not bucket.delete_keys(list(bucket.list())).errors

    def multipart(self, bucket, key, path):
        upload = self.s3.get_bucket(bucket).initiate_multipart_upload(key)
        data = path.read_bytes()
        for number, start in enumerate(range(0, len(data), 5 * MIB), 1):
            upload.upload_part_from_file(io.BytesIO(data[start:start + 5 * MIB]), number)
        upload.complete_upload()

    def acl(self, bucket, key, path):
        new = self.s3.get_bucket(bucket).new_key(key)
        new.set_contents_from_filename(str(path))
        new.set_acl("public-read")
        assert any("AllUsers" in str(grant.uri) for grant in new.get_acl().acl.grants)

    def presign(self, bucket, key):
        return self.key(bucket, key).generate_url(600)

    def images(self):
        return [image.id for image in self.ec2.get_all_images()]

    def register(self, location, name):
        image = self.ec2.register_image(name=name, image_location=location)
        self.ec2.deregister_image(image)
        return image

    def new_key(self, name):
        pair = self.ec2.create_key_pair(name)
        assert [key.name for key in self.ec2.get_all_key_pairs([name])] == [name]
        self.ec2.delete_key_pair(name)
        return pair.material

    def own_key(self, name, path):
        self.ec2.import_key_pair(name, path.read_bytes())

    def run(self, image, key, data):
        (instance,) = self.ec2.run_instances(image, key_name=key, user_data=data).instances
        return instance.id

    def find(self, name, value):
        return [instance.id for instance in self.ec2.get_only_instances(filters={name: value})]

    def stop(self, instance):
        self.ec2.stop_instances([instance])

    def start(self, instance):
        self.ec2.start_instances([instance])

    def reboot(self, instance):
        assert self.ec2.reboot_instances([instance])

    def console(self, instance):
        output = self.ec2.get_console_output(instance).output
        return output if isinstance(output, str) else output.decode()

    def tags(self, instance):
        self.ec2.create_tags([instance], {"a": "1", "b": "2"})
        found = {tag.name: tag.value for tag in self.ec2.get_all_tags(filters={"resource-id": instance})}
        self.ec2.delete_tags([instance], ["b"])
        return found

    def terminate(self, instance):
        self.ec2.terminate_instances([instance])
