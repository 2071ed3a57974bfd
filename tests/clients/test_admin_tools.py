"""2.0's administration tools, as far as they matter: boto with `Version=eucalyptus`, signed by version 2, asking
`/services/Accounts` and its kin by GET, and looking for elements by their literal names, prefix and all."""

import base64
import io
import zipfile

import pytest
from boto.ec2.connection import EC2Connection
from boto.ec2.regioninfo import RegionInfo
from boto.exception import EC2ResponseError


class Tool(EC2Connection):
    APIVersion = "eucalyptus"

    def _required_auth_capability(self):
        return ["ec2"]


def tool(cloud, credentials, path):
    return Tool(
        credentials["EC2_ACCESS_KEY"], credentials["EC2_SECRET_KEY"], is_secure=False,
        port=cloud.ports["clc"], path=path,
        region=RegionInfo(name="eucalyptus", endpoint="127.0.0.1"),
    )


class Strings(list):
    def startElement(self, name, attrs, connection):
        return None

    def endElement(self, name, value, connection):
        if name == "euca:entry":
            self.append(value)


class Told:
    """Whatever stands in an element, by the literal names inside it."""

    def __init__(self, connection=None):
        self.values, self.lists = {}, {}

    def startElement(self, name, attrs, connection):
        if name in ("euca:groups", "euca:revoked", "euca:users", "euca:authorizations", "euca:instances"):
            return self.lists.setdefault(name, Strings())
        return None

    def endElement(self, name, value, connection):
        self.values[name] = value


@pytest.fixture(scope="module")
def administrator(cloud):
    return cloud.administrator


def test_users_are_added_shown_and_deleted(cloud, administrator):
    accounts = tool(cloud, administrator, "/services/Accounts")
    asked = {"UserName": "tooled", "Email": "N/A", "Admin": False}
    assert accounts.get_object("AddUser", asked, Told).values["euca:_return"] == "true"
    params = {}
    accounts.build_list_params(params, ["tooled"], "UserNames")
    [shown] = accounts.get_list("DescribeUsers", params, [("euca:item", Told)])
    assert shown.values["euca:userName"] == "tooled"
    assert shown.values["euca:enabled"] == "true"
    assert shown.values["euca:admin"] == "false"
    assert shown.lists["euca:groups"] == ["all", "default"]
    keys = {
        "EC2_ACCESS_KEY": shown.values["euca:accessKey"],
        "EC2_SECRET_KEY": shown.values["euca:secretKey"],
    }
    mine = tool(cloud, keys, "/services/Eucalyptus")
    mine.APIVersion = "2014-10-01"
    assert [region.name for region in mine.get_all_regions()] == ["eucalyptus"]
    with pytest.raises(EC2ResponseError) as refused:
        tool(cloud, keys, "/services/Accounts").get_list("DescribeUsers", {}, [("euca:item", Told)])
    assert (refused.value.status, refused.value.error_code) == (403, "UnauthorizedOperation")
    with pytest.raises(EC2ResponseError) as taken:
        accounts.get_object("AddUser", {"UserName": "TOOLED"}, Told)
    assert "taken" in taken.value.error_message

    names = [it.values["euca:userName"] for it in accounts.get_list("DescribeUsers", {}, [("euca:item", Told)])]
    assert names[0] == "eucalyptus" and "tooled" in names
    assert accounts.get_object("DeleteUser", {"UserName": "tooled"}, Told).values["euca:_return"] == "true"
    with pytest.raises(EC2ResponseError):
        accounts.get_list("DescribeUsers", params, [("euca:item", Told)])


def test_groups_properties_and_nodes(cloud, administrator):
    accounts = tool(cloud, administrator, "/services/Accounts")
    assert accounts.get_object("AddGroup", {"GroupName": "tools"}, Told).values["euca:_return"] == "true"
    groups = accounts.get_list("DescribeGroups", {}, [("euca:item", Told)])
    assert {"all", "default", "tools"} <= {it.values["euca:groupName"] for it in groups}
    accounts.get_object("DeleteGroup", {"GroupName": "tools"}, Told)

    properties = tool(cloud, administrator, "/services/Properties")
    name = "walrus.storagemaxcachesizeinmb"
    before = properties.get_list("DescribeProperties", {"Properties.1": name}, [("euca:item", Told)])
    value = before[0].values["euca:value"]
    asked = {"Name": name, "Value": value}
    changed = properties.get_object("ModifyPropertyValue", asked, Told)
    assert changed.values["euca:oldValue"] == value

    configuration = tool(cloud, administrator, "/services/Configuration")
    nodes = configuration.get_list("DescribeNodes", {}, [("euca:item", Told)])
    assert nodes and all(it.values["euca:clusterName"] for it in nodes)
    [walrus] = configuration.get_list("DescribeWalruses", {}, [("euca:item", Told)])
    assert walrus.values["euca:name"] == "walrus"
    with pytest.raises(EC2ResponseError) as refused:
        asked = {"Name": "walrus", "Host": "10.0.0.1", "Port": 8773}
        configuration.get_object("RegisterWalrus", asked, Told)
    assert refused.value.error_code == "UnsupportedOperation"


def test_credentials_are_a_zip(cloud, administrator):
    accounts = tool(cloud, administrator, "/services/Accounts")
    accounts.get_object("AddUser", {"UserName": "zipped"}, Told)
    made = accounts.get_object("GetCredentials", {"UserName": "zipped"}, Told)
    assert made.values["euca:fileName"] == "euca2-zipped-x509.zip"
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(made.values["euca:base64"]))) as files:
        assert files.testzip() is None
        names = files.namelist()
        eucarc = files.read("eucarc").decode()
    assert {"eucarc", "cloud-cert.pem"} <= set(names)
    assert any(name.endswith("-pk.pem") for name in names)
    assert "EC2_ACCESS_KEY" in eucarc
