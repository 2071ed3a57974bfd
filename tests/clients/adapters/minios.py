"""minio-py."""

import io

import minio
import urllib3
from minio.commonconfig import CopySource
from minio.deleteobjects import DeleteObject

from adapters import EC2, NO_EC2, Adapter


class Client(Adapter):
    cannot = {**dict.fromkeys(EC2, NO_EC2), "acl": "minio-py knows no access control lists"}
    pages = False

    def __init__(self, door):
        super().__init__(door)
        pool = urllib3.PoolManager(ca_certs=door.ca, cert_reqs="CERT_REQUIRED", retries=False, timeout=60)
        self.s3 = minio.Minio(
            endpoint=f"{door.host}:{door.walrus}", access_key=door.keys[0], secret_key=door.keys[1],
            secure=door.secure, http_client=pool,
        )

    def buckets(self, name):
        self.s3.make_bucket(bucket_name=name)
        assert self.s3.bucket_exists(bucket_name=name)
        names = [bucket.name for bucket in self.s3.list_buckets()]
        self.s3.remove_bucket(bucket_name=name)
        return names

    def put(self, bucket, key, path):
        self.s3.fput_object(bucket_name=bucket, object_name=key, file_path=str(path), metadata={"note": "kept"})

    def list(self, bucket, page):
        return [found.object_name for found in self.s3.list_objects(bucket_name=bucket, recursive=True)]

    def get(self, bucket, key, path):
        self.s3.fget_object(bucket_name=bucket, object_name=key, file_path=str(path))

    def range(self, bucket, key, first, last, path):
        answer = self.s3.get_object(bucket_name=bucket, object_name=key, offset=first, length=last - first + 1)
        try:
            return answer.read()
        finally:
            answer.close()

    def copy(self, bucket, key, new):
        self.s3.copy_object(bucket_name=bucket, object_name=new, source=CopySource(bucket_name=bucket, object_name=key))

    def delete(self, bucket, key):
        self.s3.remove_object(bucket_name=bucket, object_name=key)

    def empty(self, bucket):
        keys = [DeleteObject(key) for key in self.list(bucket, 1000)]
        assert not list(self.s3.remove_objects(bucket_name=bucket, delete_object_list=keys))

    def multipart(self, bucket, key, path):
        data = path.read_bytes()
        # Of a length that it is not told.
        self.s3.put_object(
            bucket_name=bucket, object_name=key, data=io.BytesIO(data), length=-1, part_size=5 << 20,
        )

    def presign(self, bucket, key):
        return self.s3.presigned_get_object(bucket_name=bucket, object_name=key)
