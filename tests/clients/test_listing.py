"""What clients of each age ask of every EC2 API: pages, rehearsals, types, status, old versions."""

import pytest
from boto.ec2.connection import EC2Connection
from botocore.exceptions import ClientError

import cloud as clouds
from test_boto2 import QueryV2
from test_boto2 import ec2 as boto2
from test_boto3 import client, refused


@pytest.fixture(scope="module")
def reader(cloud):
    """A user of these tests alone, who knows how many instances there are."""
    return cloud.add_user("reader")


@pytest.fixture(scope="module")
def image(reader, boot, disk, tmp_path_factory):
    manifest, _ = clouds.bundle(reader, disk, tmp_path_factory.mktemp("listing") / "bundle")
    reader.euca("upload-bundle", "-b", "listing", "-m", manifest)
    ec2 = client("ec2", reader)
    found = ec2.register_image(ImageLocation=f"listing/{manifest.name}", Name="listing")["ImageId"]
    ec2.get_waiter("image_available").wait(ImageIds=[found], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    return found


@pytest.fixture(scope="module")
def instances(reader, image):
    """Twelve instances of three launches, in the order of their listing."""
    ec2 = client("ec2", reader)
    ids = []
    for count in (1, 4, 7):
        launch = ec2.run_instances(ImageId=image, MinCount=count, MaxCount=count)
        ids += [i["InstanceId"] for i in launch["Instances"]]
    ec2.get_waiter("instance_running").wait(InstanceIds=ids, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    yield ids
    ec2.terminate_instances(InstanceIds=ids)


def test_boto3_walks_pages(reader, image, instances):
    ec2 = client("ec2", reader)
    pages = list(ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
    sizes = [sum(len(r["Instances"]) for r in page["Reservations"]) for page in pages]
    assert sizes == [5, 5, 2]
    assert [i["InstanceId"] for p in pages for r in p["Reservations"] for i in r["Instances"]] == instances
    assert "NextToken" not in pages[-1] and "NextToken" not in ec2.describe_instances()

    running = [{"Name": "instance-state-name", "Values": ["running"]}]
    paginator = ec2.get_paginator("describe_instance_status")
    statuses = [s for page in paginator.paginate(Filters=running, PaginationConfig={"PageSize": 7})
                for s in page["InstanceStatuses"]]
    assert [s["InstanceId"] for s in statuses] == instances
    assert {s["SystemStatus"]["Status"] for s in statuses} == {"ok"}
    assert statuses[0]["SystemStatus"]["Details"] == [{"Name": "reachability", "Status": "passed"}]
    ec2.get_waiter("instance_status_ok").wait(InstanceIds=instances, WaiterConfig={"Delay": 1, "MaxAttempts": 5})

    images = [i["ImageId"] for page in ec2.get_paginator("describe_images").paginate(PaginationConfig={"PageSize": 5})
              for i in page["Images"]]
    assert image in images and len(images) == len(set(images)) == len(ec2.describe_images()["Images"])

    refused("InvalidParameterValue", ec2.describe_instances, MaxResults=4)
    refused("InvalidParameterValue", ec2.describe_instances, NextToken="bm8gdG9rZW4gYXQgYWxs")
    refused("InvalidParameterCombination", ec2.describe_instances, MaxResults=5, InstanceIds=instances[:1])


def test_boto3_reads_types_and_what_holds_for_the_account(reader):
    ec2 = client("ec2", reader)
    types = [t for page in ec2.get_paginator("describe_instance_types").paginate() for t in page["InstanceTypes"]]
    assert [t["InstanceType"] for t in types][:2] == ["m1.small", "c1.medium"]
    large = ec2.describe_instance_types(InstanceTypes=["m1.large"])["InstanceTypes"][0]
    assert (large["VCpuInfo"]["DefaultVCpus"], large["MemoryInfo"]["SizeInMiB"]) == (2, 512)
    assert (large["BurstablePerformanceSupported"], large["Hypervisor"]) == (False, "kvm")
    assert large["InstanceStorageInfo"]["Disks"] == [{"SizeInGB": 10, "Count": 1}]
    assert large["SupportedUsageClasses"] == ["on-demand"]
    refused("InvalidInstanceType", ec2.describe_instance_types, InstanceTypes=["t9.tiny"])
    two = [{"Name": "vcpu-info.default-vcpus", "Values": ["2"]}]
    assert len(ec2.describe_instance_types(Filters=two)["InstanceTypes"]) == 2
    offered = ec2.describe_instance_type_offerings(LocationType="availability-zone")["InstanceTypeOfferings"]
    assert {o["Location"] for o in offered} == {"eucalyptus-1a"}
    told = ec2.describe_account_attributes(AttributeNames=["supported-platforms"])["AccountAttributes"]
    assert told == [{"AttributeName": "supported-platforms", "AttributeValues": [{"AttributeValue": "EC2"}]}]


def test_boto3_rehearses(reader, image, instances):
    ec2 = client("ec2", reader)
    before = ec2.describe_instances()["Reservations"]
    for call, parameters in [
        (ec2.run_instances, dict(ImageId=image, MinCount=1, MaxCount=1)),
        (ec2.terminate_instances, dict(InstanceIds=instances[:1])),
        (ec2.create_key_pair, dict(KeyName="rehearsed")),
        (ec2.deregister_image, dict(ImageId=image)),
        (ec2.describe_instances, {}),
        (ec2.describe_regions, {}),
    ]:
        told = refused("DryRunOperation", call, DryRun=True, **parameters)
        assert told["ResponseMetadata"]["HTTPStatusCode"] == 412
        assert told["Error"]["Message"] == "Request would have succeeded, but DryRun flag is set."
    refused("InvalidInstanceID.NotFound", ec2.terminate_instances, InstanceIds=["i-00000000"], DryRun=True)
    refused("InvalidAMIID.NotFound", ec2.run_instances, ImageId="emi-00000000", MinCount=1, MaxCount=1, DryRun=True)
    assert ec2.describe_instances()["Reservations"] == before
    refused("InvalidKeyPair.NotFound", ec2.describe_key_pairs, KeyNames=["rehearsed"])


def test_a_rehearsal_tells_who_may_not(reader, cloud, tmp_path):
    file = tmp_path / "vmlinuz"
    file.write_bytes(b"kernel" * 1000)
    manifest, _ = clouds.bundle(reader, file, tmp_path / "bundle", "--kernel", "true")
    reader.euca("upload-bundle", "-b", "listing-kernel", "-m", manifest)
    with pytest.raises(ClientError) as told:
        client("ec2", reader).register_image(ImageLocation=f"listing-kernel/{manifest.name}", Name="kernel", DryRun=True)
    assert told.value.response["Error"]["Code"] == "UnauthorizedOperation"
    assert told.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_boto2_walks_pages_and_reads_both_statuses(cloud, reader, instances):
    ec2 = boto2(cloud, reader)
    found, token = [], None
    while True:
        page = ec2.get_all_reservations(max_results=5, next_token=token)
        found += [i.id for r in page for i in r.instances]
        token = page.next_token
        if not token:
            break
    assert found == instances
    statuses = ec2.get_all_instance_status(instance_ids=instances[:2])
    assert sorted(s.id for s in statuses) == sorted(instances[:2])
    assert {s.system_status.details["reachability"] for s in statuses} == {"passed"}
    assert ec2.get_all_instance_types()[0].name == "m1.small"
    assert [(t.cores, t.memory, t.disk) for t in ec2.get_all_instance_types()][4] == ("4", "2048", "20")
    assert len(ec2.get_all_instance_types()) == 5


@pytest.mark.parametrize("version", ["2006-06-26", "2009-11-30", "2010-08-31", "2011-01-01", "2014-10-01"])
def test_boto2_speaks_every_version(cloud, reader, image, instances, version):
    class Old(QueryV2 if version < "2014" else EC2Connection):
        APIVersion = version

    ec2 = boto2(cloud, reader, Old)
    reservations = ec2.get_all_reservations()
    assert [i.id for r in reservations for i in r.instances] == instances
    assert [g.id for g in reservations[0].groups] == ["default"]
    first = reservations[0].instances[0]
    assert (first.state, first.image_id) == ("running", image)
    assert bool(first.launch_time) == (version >= "2007-08-29")
    assert bool(first.placement) == (version >= "2008-02-01")
    assert bool(first.private_ip_address) == (version >= "2009-07-15")
    assert bool(getattr(first, "groups", [])) == (version >= "2011-01-01")
    assert ec2.get_all_images([image])[0].location.startswith("listing/")
    assert [zone.name for zone in ec2.get_all_zones()] == ["eucalyptus-1a"]
    answer = ec2.make_request("DescribeInstances", {}, "/", "POST").read()
    assert f'xmlns="http://ec2.amazonaws.com/doc/{version}/"'.encode() in answer


def test_euca_prints_types_and_status(cloud, reader, instances):
    lines = reader.euca("describe-instance-types").splitlines()
    assert lines[0].startswith("INSTANCETYPE\t Name") and lines[1].split()[1:] == ["m1.small", "1", "128", "2"]
    capacity = cloud.administrator.euca("describe-instance-types", "--show-capacity", "m1.small").splitlines()
    assert "Used / Total" in capacity[0] and "/" in capacity[1]
    (line, *details) = reader.euca("describe-instance-status", instances[0]).splitlines()
    assert line.split("\t") == ["INSTANCE", instances[0], "eucalyptus-1a", "running", "16", "ok", "ok", "active", ""]
    assert details == ["SYSTEMSTATUS\treachability\tpassed\t", "INSTANCESTATUS\treachability\tpassed\t"]
    assert reader.euca("describe-instance-status", "--hide-healthy") == ""
