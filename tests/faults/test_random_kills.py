"""Clients work while services are killed at random; in the end all that was acknowledged is there.

EUCALYPT_KILL_SECONDS says for how long (60), EUCALYPT_KILL_SEED how the dice fall (told at the beginning).
"""

import os
import random
import secrets
import threading
import time
import uuid

from cloud import wait_until
from world import AGAIN, SERVICES, Call, World, code, refused

SECONDS = float(os.environ.get("EUCALYPT_KILL_SECONDS", "60"))
SEED = int(os.environ.get("EUCALYPT_KILL_SEED") or secrets.randbits(32))


class Roomy(World):
    """Room for every launch that was not answered: in the end each is asked again by its token, and runs."""

    cpus = 4096


class Client(threading.Thread):
    """One client and what it knows. It owns what it names, so nobody else changes it."""

    def __init__(self, world, number, until):
        super().__init__(daemon=True)
        self.world, self.number, self.until = world, number, until
        self.dice = random.Random(f"{SEED}/{self.name_of()}/{number}")
        self.acknowledged = self.uncertain = 0
        self.fault = None

    def name_of(self):
        return type(self).__name__.lower()

    def run(self):
        try:
            while time.monotonic() < self.until and self.fault is None:
                self.step()
        except Exception as error:
            self.fault = error

    def call(self, work, *arguments, allowed=(), **named):
        """Whether it was acknowledged; None if nobody knows. A refusal must be one that is allowed."""
        call = Call(work, *arguments, **named)
        if call.end():
            self.acknowledged += 1
            return True, call.value
        if refused(call.error):
            assert code(call.error) in AGAIN | set(allowed), call.error
            return False, code(call.error)
        self.uncertain += 1
        return None, None


class Objects(Client):
    """Puts, gets, uploads in parts and deletes; the world keeps the model."""

    def step(self):
        world, key = self.world, f"random-{self.number}-{self.dice.randrange(12)}"
        what = self.dice.choice(["put", "put", "parts", "delete", "get", "get"])
        if what == "get":
            known, digest = self.call(world.read, key)
            assert known is not True or digest in world.objects.get(key, {None}), f"{key}: {digest}"
            return
        if what == "put":
            error = world.put(key, self.dice.randbytes(self.dice.choice([0, 10, 5000, 3_000_000])))
        elif what == "delete":
            error = world.delete(key)
        else:
            # One that was killed may stay open: it is no object, and is aborted at the end.
            error = world.put_parts(key, [self.dice.randbytes(5 << 20), self.dice.randbytes(self.dice.randrange(1, 9999))])
        if error is None:
            self.acknowledged += 1
        elif refused(error):
            # The upload may have been answered by one whose answer was lost.
            assert code(error) in AGAIN | {"NoSuchUpload"}, error
        else:
            self.uncertain += 1


class Instances(Client):
    """Runs, stops, starts and ends instances, and tags them."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        # id → how it may end: any of running, stopped, terminated. Tags: id → values it may have.
        self.may_be, self.tags = {}, {}
        self.tokens = set()

    def step(self):
        ec2 = self.world.ec2
        living = [id for id, ends in self.may_be.items() if "terminated" not in ends]
        what = self.dice.choice(["run", "run", "stop", "start", "terminate", "tag", "look"])
        if what == "run" and len(living) < 8:
            return self.launch(uuid.UUID(int=self.dice.getrandbits(128)).hex)
        if not living:
            return
        id = self.dice.choice(living)
        if what == "look":
            done, found = self.call(self.world.instances)
            assert done is not True or set(self.may_be) <= set(found), "an instance is lost"
        elif what == "tag":
            value = str(self.dice.randrange(1000))
            before = self.tags.get(id, {None})
            done, _ = self.call(ec2.create_tags, Resources=[id], Tags=[{"Key": "n", "Value": value}])
            self.tags[id] = {value} if done else before if done is False else before | {value}
        elif what in ("stop", "start", "terminate"):
            call = {"stop": ec2.stop_instances, "start": ec2.start_instances, "terminate": ec2.terminate_instances}[what]
            end = {"stop": "stopped", "start": "running", "terminate": "terminated"}[what]
            done, _ = self.call(call, InstanceIds=[id])
            if done is not False:
                self.may_be[id] = {end} if done else self.may_be[id] | {end}

    def launch(self, token):
        done, ids = self.call(self.world.launch, token)
        if done is True:
            self.may_be[ids[0]] = {"running"}
        elif done is None:
            self.tokens.add(token)

    def settle(self):
        """What was not answered is asked again by its token: it is one instance, then or now."""
        for token in self.tokens:
            for id in self.world.insist(self.world.launch, token):
                assert self.may_be.get(id, {"running"}) == {"running"}
                self.may_be[id] = {"running"}
        ids = list(self.may_be)

        def astray():
            return {id: (state, self.may_be[id]) for id, state in self.world.states(ids).items()
                    if state not in self.may_be[id]}

        wait_until(lambda: not astray(), "each instance is as it was wanted", 60, astray)
        found = self.world.insist(self.world.instances)
        for id, values in self.tags.items():
            tags = found[id].get("Tags", [])
            assert ({tag["Value"] for tag in tags} or {None}) <= values, (id, tags, values)


class KeyPairs(Client):
    """Makes and deletes key pairs."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        # name → whether it may be there.
        self.may_be = {}

    def step(self):
        name = f"pair-{self.number}-{self.dice.randrange(8)}"
        before = self.may_be.get(name, {False})
        make = self.dice.random() < 0.5
        if make:
            done, why = self.call(self.world.ec2.create_key_pair, KeyName=name, allowed=["InvalidKeyPair.Duplicate"])
            if why == "InvalidKeyPair.Duplicate":
                assert True in before, f"{name} is there and never was"
                self.may_be[name] = {True}
        else:
            done, _ = self.call(self.world.ec2.delete_key_pair, KeyName=name, allowed=["InvalidKeyPair.NotFound"])
        if done is not False:
            self.may_be[name] = {make} if done else before | {make}
        time.sleep(self.dice.random() * 0.05)

    def settle(self):
        there = {it["KeyName"] for it in self.world.insist(self.world.ec2.describe_key_pairs)["KeyPairs"]}
        for name, may_be in self.may_be.items():
            assert (name in there) in may_be, f"{name}: {name in there} is not in {may_be}"


class Images(Client):
    """Registers and deregisters."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.location = self.world.bundle(f"random-{self.number}", 3)
        # name → may it be registered; id by name of what was acknowledged.
        self.may_be, self.ids = {}, {}

    def step(self):
        if self.ids and self.dice.random() < 0.5:
            name = self.dice.choice(sorted(self.ids))
            done, _ = self.call(self.world.ec2.deregister_image, ImageId=self.ids[name])
            if done is not False:
                self.may_be[name] = {False} if done else {True, False}
                del self.ids[name]
            return
        name = uuid.UUID(int=self.dice.getrandbits(128)).hex
        done, image = self.call(self.world.register, self.location, name)
        if done is True:
            self.may_be[name], self.ids[name] = {True}, image
        elif done is None:
            self.may_be[name] = {True, False}
        time.sleep(self.dice.random() * 0.3)

    def settle(self):
        found = self.world.insist(self.world.ec2.describe_images, Owners=["self"])["Images"]
        there = {it["Name"]: it["ImageId"] for it in found}
        for name, may_be in self.may_be.items():
            assert (name in there) in may_be, f"{name}: {name in there} is not in {may_be}"
            if name in there:
                self.world.available(there[name])
                self.world.insist(self.world.ec2.deregister_image, ImageId=there[name])


def test_clients_work_while_services_are_killed(tmp_path_factory, told):
    print(f"EUCALYPT_KILL_SEED={SEED}")
    dice = random.Random(SEED)
    world = Roomy(tmp_path_factory.mktemp("random") / "cloud")
    try:
        world.raise_all()
        world.prepare()
        until = time.monotonic() + SECONDS
        kinds = (Objects, Objects, Objects, Instances, Instances, KeyPairs, Images)
        clients = [kind(world, number, until) for number, kind in enumerate(kinds)]
        for client in clients:
            client.start()
        kills = dict.fromkeys(SERVICES, 0)
        while time.monotonic() < until and not any(client.fault for client in clients):
            time.sleep(dice.uniform(0.0, 1.5))
            for service in dice.sample(SERVICES, dice.choice([1, 1, 1, 2, 3])):
                world.kill(service)
                kills[service] += 1
        for client in clients:
            client.join(120)
            assert not client.is_alive()
            if client.fault:
                raise AssertionError(f"seed {SEED}, {client.name_of()}: {client.fault!r}") from client.fault
        for client in clients:
            if hasattr(client, "settle"):
                client.settle()
        world.terminate_all()
        for upload in world.insist(world.s3.list_multipart_uploads, Bucket="kept").get("Uploads", []):
            world.s3.abort_multipart_upload(Bucket="kept", Key=upload["Key"], UploadId=upload["UploadId"])
        world.check_all()
        world.check_swept()
        done = sum(client.acknowledged for client in clients)
        unknown = sum(client.uncertain for client in clients)
        assert done > SECONDS and sum(kills.values()) > SECONDS / 5
        counted = ", ".join(f"{service} {count}" for service, count in kills.items())
        told(f"random kills for {SECONDS:.0f} s", f"seed {SEED}; SIGKILL of {counted}",
             f"{done} calls acknowledged, all of them held; {unknown} not answered, each done or not; "
             "no seat, folder or file left over")
    finally:
        world.stop_all()
