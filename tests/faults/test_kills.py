"""kill -9 of each service at each step of an image's and an instance's life."""

import hashlib
import http.client
import time
import urllib.parse
import uuid

import pytest

from cloud import wait_until
from world import SERVICES, Call, code

# Moments of a short call, in seconds after it began: from before it is heard to after it is answered.
MOMENTS = (0.0, 0.005, 0.03, 0.12)
each = pytest.mark.parametrize("service", SERVICES)


def after(call, seconds):
    """Lets that much of a call pass; a call that ends sooner is over."""
    call.join(seconds)
    return call


class Slow:
    """A body that stops half-way until it is told to go on."""

    def __init__(self, body, killed):
        self.body, self.killed, self.at = body, killed, 0
        self.halted = False

    def __len__(self):
        return len(self.body)

    def seek(self, offset, whence=0):
        self.at = offset + {0: 0, 1: self.at, 2: len(self.body)}[whence]
        return self.at

    def tell(self):
        return self.at

    def read(self, size=-1):
        # Hashing a body reads it too, from beginning to end; sending it comes last.
        size = len(self.body) if size is None or size < 0 else size
        piece = self.body[self.at:self.at + size]
        self.at += len(piece)
        self.killed(self)
        return piece


@each
def test_while_an_object_is_uploaded(steady, told, service):
    old, new = steady.noise(2), steady.noise(6)
    key = f"upload-{service}"
    assert steady.put(key, old) is None
    uploads = []

    def half_way(body):
        if body.at >= len(new) // 2 and steady.staged() and not body.halted:
            body.halted = True
            steady.kill(service)

    url = steady.s3.generate_presigned_url("put_object", Params={"Bucket": "kept", "Key": key}, ExpiresIn=600)
    for moment in ("half-way", *MOMENTS):
        if moment == "half-way":
            body = Slow(new, half_way)
            uploads.append(steady.change(key, digest(new), lambda: send(url, body)))
            assert body.halted
        else:
            fresh = steady.noise(1)
            call = after(Call(steady.put, key, fresh), moment)
            steady.kill(service)
            call.end()
            uploads.append(call.value)
    steady.check_all()
    acknowledged = sum(error is None for error in uploads)
    told(f"{service} while an object is uploaded",
         "SIGKILL with half of 6 MiB on disk, and at four moments of a short PutObject",
         f"{acknowledged} of {len(uploads)} acknowledged; each object whole, old or new; staging empty")


def digest(body):
    return hashlib.sha256(body).hexdigest()


def send(url, body):
    """PUTs by a presigned URL, so that nothing but sending reads the body."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    try:
        connection.request("PUT", f"{parts.path}?{parts.query}", body, {"Content-Length": str(len(body))})
        answer = connection.getresponse()
        answer.read()
    except http.client.HTTPException as error:
        raise OSError(error) from error
    finally:
        connection.close()
    if answer.status != 200:
        raise OSError(f"HTTP {answer.status}")


@each
def test_while_an_object_is_uploaded_in_parts(steady, told, service):
    bodies = [steady.noise(5), steady.noise(5), steady.noise(1)]
    outcomes = {}
    for stage in ("part", "complete"):
        for moment in MOMENTS[1:]:
            key = f"parts-{service}-{stage}"
            seen = []

            def step(name, stage=stage, seen=seen, moment=moment):
                seen.append(name)
                if seen.count("part") == 2 and stage == "part" or name == stage == "complete":
                    if not killers:
                        killers.append(Call(lambda: (time.sleep(moment), steady.kill(service))))

            killers = []
            outcomes[stage, moment] = steady.put_parts(key, bodies, step)
            killers[0].end()
    for upload in steady.insist(steady.s3.list_multipart_uploads, Bucket="kept").get("Uploads", []):
        # What was not completed is still there to be completed or aborted.
        steady.s3.abort_multipart_upload(Bucket="kept", Key=upload["Key"], UploadId=upload["UploadId"])
    steady.check_all()
    done = sum(error is None for error in outcomes.values())
    told(f"{service} while an object is uploaded in parts", "SIGKILL in the second part, and while it is completed",
         f"{done} of {len(outcomes)} acknowledged; completed wholly or not at all, the others could be aborted")


@each
def test_while_an_image_is_registered(steady, told, service):
    location = steady.bundle(f"register-{service}", 1)
    acknowledged, names = [], []
    for moment in MOMENTS:
        names.append(uuid.uuid4().hex)
        call = after(Call(steady.register, location, names[-1]), moment)
        steady.kill(service)
        if call.end():
            acknowledged.append(call.value)
    named = {"Name": "name", "Values": names}
    found = {it["ImageId"] for it in steady.insist(steady.ec2.describe_images, Filters=[named])["Images"]}
    assert set(acknowledged) <= found
    for image in found:
        steady.available(image)
        steady.insist(steady.ec2.deregister_image, ImageId=image)
    steady.check_all()
    told(f"{service} while an image is registered", "SIGKILL at four moments of RegisterImage",
         f"{len(acknowledged)} of 4 acknowledged, {len(found)} there; all of them became available")


@each
def test_while_an_image_is_unpacked(steady, told, service):
    location = steady.bundle(f"unpack-{service}", 48)
    cache = steady.data("walrus") / "cache"
    image = steady.register(location)
    partial = wait_until(lambda: list(cache.glob("*.partial")), "the unpacking has begun")
    wait_until(lambda: not partial[0].exists() or partial[0].stat().st_size > 1 << 20, "it is under way")
    under_way = partial[0].exists()
    # A launch waits for it.
    token = uuid.uuid4().hex
    launch = Call(steady.launch, token, image)
    steady.kill(service)
    launch.end()
    ids = steady.insist(steady.launch, token, image)
    assert len(ids) == 1 and launch.value in (None, ids)
    assert under_way, "the kill came too late to hit the unpacking"
    steady.available(image)
    steady.wait_state(ids, "running")
    steady.terminate_all()
    steady.insist(steady.ec2.deregister_image, ImageId=image)
    wait_until(lambda: not list(cache.glob("*.partial")), "nothing half is left in the cache")
    steady.check_all()
    told(f"{service} while an image is unpacked", "SIGKILL with a .partial file of 48 MiB growing, a launch waiting",
         "the image became available, the launch ran, once; no partial file")


@each
def test_while_instances_are_launched(steady, told, service):
    expected, acknowledged = set(), 0
    for moment in MOMENTS:
        tokens = [uuid.uuid4().hex for _ in range(3)]
        calls = [Call(steady.launch, token, None, 2) for token in tokens]
        after(calls[0], moment)
        steady.kill(service)
        for call, token in zip(calls, tokens):
            call.end()
            ids = steady.insist(steady.launch, token, None, 2)
            if call.error is None:
                acknowledged += 1
                assert call.value == ids
            expected |= set(ids)
    assert set(steady.states(expected)) == expected and len(expected) == 6 * len(MOMENTS)
    steady.wait_state(expected, "running")
    living = {id for id, it in steady.instances().items() if it["State"]["Name"] != "terminated"}
    assert living == expected, "a launch that was answered to nobody, or twice"
    assert set(steady.folders()) == expected
    steady.terminate_all()
    steady.check_all()
    told(f"{service} while instances are launched", "SIGKILL at four moments of three RunInstances at once",
         f"{acknowledged} of 12 acknowledged; asked again by token each ran once; capacity back after their end")


@each
def test_while_instances_are_stopped_and_started(steady, told, service):
    ids = steady.launch(uuid.uuid4().hex, count=2)
    steady.wait_state(ids, "running")
    addresses = {id: steady.instances()[id]["PrivateIpAddress"] for id in ids}
    for moment in MOMENTS[1:3]:
        for change, end in ((steady.ec2.stop_instances, "stopped"), (steady.ec2.start_instances, "running")):
            call = after(Call(change, InstanceIds=ids), moment)
            steady.kill(service)
            call.end()
            # One that was not acknowledged may be asked for again; both converge to the same.
            steady.insist(change, InstanceIds=ids)
            steady.wait_state(ids, end)
    assert {id: steady.instances()[id]["PrivateIpAddress"] for id in ids} == addresses
    steady.terminate_all()
    steady.check_all()
    told(f"{service} while instances are stopped and started", "SIGKILL at two moments of each, two instances",
         "each reached what was asked, kept its address; capacity back")


@each
def test_while_instances_are_terminated(steady, told, service):
    acknowledged = 0
    for moment in MOMENTS:
        ids = steady.launch(uuid.uuid4().hex, count=2)
        steady.wait_state(ids, "running")
        call = after(Call(steady.ec2.terminate_instances, InstanceIds=ids), moment)
        steady.kill(service)
        if call.end():
            acknowledged += 1
        else:
            assert code(call.error) in (None, "Unavailable", "InternalError"), call.error
            steady.insist(steady.ec2.terminate_instances, InstanceIds=ids)
        steady.wait_state(ids, "terminated")
    steady.check_all()
    told(f"{service} while instances are terminated", "SIGKILL at four moments of TerminateInstances",
         f"{acknowledged} of 4 acknowledged; all ended, no folder left, capacity back")


@each
def test_while_an_instance_is_saved(steady, told, service):
    (instance,) = steady.launch(uuid.uuid4().hex)
    steady.wait_state([instance], "running")
    bucket = f"saved-{service}"
    steady.insist(steady.s3.create_bucket, Bucket=bucket)
    acknowledged, ends = 0, []

    def tasks(prefix):
        filters = [{"Name": "s3-prefix", "Values": [prefix]}]
        return steady.insist(steady.ec2.describe_bundle_tasks, Filters=filters)["BundleTasks"]

    def keys(prefix):
        listed = steady.insist(steady.s3.list_objects_v2, Bucket=bucket, Prefix=f"{prefix}.")
        return {it["Key"] for it in listed.get("Contents", [])}

    for number, moment in enumerate((*MOMENTS, 0.4, 1.2)):
        prefix = f"{service}-{number}"
        place = {"S3": {"Bucket": bucket, "Prefix": prefix}}
        call = Call(steady.ec2.bundle_instance, InstanceId=instance, Storage=place)
        time.sleep(moment)
        steady.kill(service)
        call.end()
        acknowledged += call.error is None
        found = tasks(prefix)
        assert len(found) <= 1 and (found or call.error), "an acknowledged task is there, once"
        if not found:
            continue
        wait_until(lambda: tasks(prefix)[0]["State"] in ("complete", "failed"), "the task ends", 90,
                   lambda: tasks(prefix))
        ended = tasks(prefix)[0]
        ends.append(ended["State"])
        if ended["State"] == "failed":
            assert ended["BundleTaskError"]["Message"], ended
            wait_until(lambda: not keys(prefix), "nothing is left of it", 60, lambda: keys(prefix))
            continue
        assert f"{prefix}.manifest.xml" in keys(prefix)
        image = steady.register(f"{bucket}/{prefix}.manifest.xml")
        steady.available(image)
        steady.insist(steady.ec2.deregister_image, ImageId=image)
    steady.wait_state([instance], "running")
    steady.terminate_all()
    steady.check_all()
    told(f"{service} while an instance is saved", "SIGKILL at six moments of BundleInstance and its task",
         f"{acknowledged} of 6 acknowledged; {ends.count('complete')} completed and registered, "
         f"{ends.count('failed')} failed with a reason and left nothing")


def test_after_all_kills_only_named_files_are_left(steady, told):
    before = steady.blobs()
    steady.check_swept()
    steady.check_all()
    told("the sweep after all these kills", "a start of walrus",
         f"{before - steady.blobs()} files without a record removed, {steady.blobs()} left, each named")
