"""Whoever looks at what a client of the matrix has done: boto3, by http, by calls of its own."""

import base64
import ssl

import cloud as clouds
from adapters import Door, new_boto
from matrix import ROWS


class Witness(new_boto.Client):
    def instance(self, instance):
        return self.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]

    def state(self, instance):
        return self.instance(instance)["State"]["Name"]

    def wait(self, instance, state):
        clouds.wait_until(
            lambda: self.state(instance) == state, f"{instance} is {state}", seen=lambda: self.state(instance),
        )

    def console(self, instance):
        return self.ec2.get_console_output(InstanceId=instance).get("Output", "")

    def user_data(self, instance):
        told = self.ec2.describe_instance_attribute(InstanceId=instance, Attribute="userData")
        return base64.b64decode(told["UserData"]["Value"])


class Row:
    """A client that is set up for its door, under its name in the matrix."""

    def __init__(self, name, cloud, credentials, folder):
        client, scheme = ROWS[name]
        self.name = name
        self.client = client(door(cloud, credentials, scheme, folder))
        self.trust = ssl.create_default_context(cafile=Door.ca) if scheme == "https" else None


def door(cloud, credentials, scheme, folder):
    suffix = "_tls" if scheme == "https" else ""
    return Door(scheme, cloud.ports["clc" + suffix], cloud.ports["walrus" + suffix], credentials, folder)
