"""Apache libcloud: its driver for others' S3 (named after MinIO), and the one for Eucalyptus."""

import libcloud.security
from libcloud.compute.base import NodeImage, NodeSize
from libcloud.compute.drivers.ec2 import EucNodeDriver
from libcloud.storage.drivers.minio import MinIOStorageDriver

from adapters import Adapter

NO = "libcloud has no such operation"


class Client(Adapter):
    cannot = {
        "copy": NO, "empty": NO, "caller": NO,
        "presign": "libcloud signs URLs for AWS's host names only",
        "register": "libcloud's images are EBS snapshots only",
    }
    pages = False

    def __init__(self, door):
        super().__init__(door)
        libcloud.security.CA_CERTS_PATH = door.ca
        self.s3 = MinIOStorageDriver(*door.keys, secure=door.secure, host=door.host, port=door.walrus)
        self.ec2 = EucNodeDriver(
            *door.keys, secure=door.secure, host=door.host, port=door.clc, path="/services/Eucalyptus",
        )

    def buckets(self, name):
        container = self.s3.create_container(name)
        names = [container.name for container in self.s3.list_containers()]
        assert container.delete()
        return names

    def put(self, bucket, key, path):
        extra = {"meta_data": {"note": "kept"}}
        self.s3.upload_object(str(path), self.s3.get_container(bucket), key, extra=extra)

    def list(self, bucket, page):
        return [found.name for found in self.s3.get_container(bucket).list_objects()]

    def get(self, bucket, key, path):
        assert self.s3.get_object(bucket, key).download(str(path))

    def range(self, bucket, key, first, last, path):
        found = self.s3.get_object(bucket, key)
        # Its end is the first byte that it leaves out.
        return b"".join(self.s3.download_object_range_as_stream(found, first, last + 1))

    def delete(self, bucket, key):
        assert self.s3.get_object(bucket, key).delete()

    def multipart(self, bucket, key, path):
        data = path.read_bytes()
        blocks = (data[start:start + (1 << 20)] for start in range(0, len(data), 1 << 20))
        self.s3.upload_object_via_stream(blocks, self.s3.get_container(bucket), key)

    def acl(self, bucket, key, path):
        self.s3.upload_object(str(path), self.s3.get_container(bucket), key, extra={"acl": "public-read"})

    def node(self, instance):
        (node,) = self.ec2.list_nodes(ex_node_ids=[instance])
        return node

    def images(self):
        return [image.id for image in self.ec2.list_images()]

    def new_key(self, name):
        pair = self.ec2.create_key_pair(name)
        assert self.ec2.get_key_pair(name).fingerprint == pair.fingerprint
        assert self.ec2.delete_key_pair(pair)
        return pair.private_key

    def own_key(self, name, path):
        self.ec2.import_key_pair_from_file(name, str(path))

    def run(self, image, key, data):
        # The driver's own sizes are those of AWS.
        size = NodeSize(id="m1.small", name="m1.small", ram=128, disk=2, bandwidth=None, price=None, driver=self.ec2)
        image = NodeImage(id=image, name=image, driver=self.ec2)
        return self.ec2.create_node(name="matrix", size=size, image=image, ex_keyname=key, ex_userdata=data).id

    def find(self, name, value):
        return [node.id for node in self.ec2.list_nodes(ex_filters={name: value})]

    def stop(self, instance):
        assert self.ec2.stop_node(self.node(instance))

    def start(self, instance):
        assert self.ec2.start_node(self.node(instance))

    def reboot(self, instance):
        assert self.ec2.reboot_node(self.node(instance))

    def console(self, instance):
        return self.ec2.ex_get_console_output(self.node(instance))["output"]

    def tags(self, instance):
        node = self.node(instance)
        assert self.ec2.ex_create_tags(node, {"a": "1", "b": "2"})
        found = self.ec2.ex_describe_tags(node)
        assert self.ec2.ex_delete_tags(node, {"b": "2"})
        return found

    def terminate(self, instance):
        assert self.ec2.destroy_node(self.node(instance))
