"""Policies, roles and instance profiles of IAM as boto3 and awscli ask for them."""

import json
import urllib.parse

import boto3
import pytest
from boto.iam.connection import IAMConnection
from botocore.config import Config
from botocore.exceptions import ClientError

import cloud as clouds

READS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}],
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


@pytest.fixture(scope="module")
def owner(cloud):
    return cloud.add_user("iam-policies")


@pytest.fixture(scope="module")
def iam(owner):
    return boto3.client(
        "iam", region_name="eucalyptus", endpoint_url=owner["AWS_IAM_URL"],
        aws_access_key_id=owner["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=owner["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"max_attempts": 1}),
    )


def refused(name, call, **kwargs):
    """The exception that the service's model has for it is raised, so its code is the model's."""
    with pytest.raises(ClientError) as told:
        call(**kwargs)
    assert told.value.response["Error"]["Code"] == name, told.value
    return told.value


def pages(iam, operation, key, **kwargs):
    paginator = iam.get_paginator(operation)
    return [it for page in paginator.paginate(PaginationConfig={"PageSize": 1}, **kwargs) for it in page[key]]


@pytest.mark.parametrize("kind", ["user", "group", "role"])
def test_whoever_bears_policies_has_own_ones_and_managed_ones(iam, kind):
    name = {f"{kind.capitalize()}Name": f"bearer-{kind}"}
    more = {"AssumeRolePolicyDocument": json.dumps(TRUST)} if kind == "role" else {}
    getattr(iam, f"create_{kind}")(**name, **more)
    own = dict(name, PolicyName="own policy".replace(" ", "+"))
    getattr(iam, f"put_{kind}_policy")(**own, PolicyDocument=json.dumps(READS, indent=2))
    got = getattr(iam, f"get_{kind}_policy")(**own)
    # botocore decodes the text and reads it.
    assert got["PolicyDocument"] == READS and got["PolicyName"] == "own+policy"
    getattr(iam, f"put_{kind}_policy")(**name, PolicyName="second", PolicyDocument=json.dumps(READS))
    assert pages(iam, f"list_{kind}_policies", "PolicyNames", **name) == ["own+policy", "second"]
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException):
        getattr(iam, f"put_{kind}_policy")(**own, PolicyDocument='{"Statement": 1}')
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        getattr(iam, f"get_{kind}_policy")(**name, PolicyName="absent")

    arn = iam.create_policy(PolicyName=f"for-{kind}", PolicyDocument=json.dumps(READS))["Policy"]["Arn"]
    attach, detach = getattr(iam, f"attach_{kind}_policy"), getattr(iam, f"detach_{kind}_policy")
    attach(**name, PolicyArn=arn)
    attach(**name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    attached = pages(iam, f"list_attached_{kind}_policies", "AttachedPolicies", **name)
    assert {it["PolicyName"] for it in attached} == {f"for-{kind}", "AdministratorAccess"}
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    entities = iam.list_entities_for_policy(PolicyArn=arn)
    assert entities[f"Policy{kind.capitalize()}s"][0][f"{kind.capitalize()}Name"] == f"bearer-{kind}"
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_policy(PolicyArn=arn)
    with pytest.raises(iam.exceptions.DeleteConflictException):
        getattr(iam, f"delete_{kind}")(**name)
    if kind != "group":
        getattr(iam, f"put_{kind}_permissions_boundary")(**name, PermissionsBoundary=arn)
        shown = getattr(iam, f"get_{kind}")(**name)[kind.capitalize()]
        assert shown["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn
        getattr(iam, f"delete_{kind}_permissions_boundary")(**name)
    detach(**name, PolicyArn=arn)
    detach(**name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    for policy in ["own+policy", "second"]:
        getattr(iam, f"delete_{kind}_policy")(**name, PolicyName=policy)
    getattr(iam, f"delete_{kind}")(**name)
    iam.delete_policy(PolicyArn=arn)


def test_managed_policies_have_versions_and_tags(iam):
    made = iam.create_policy(
        PolicyName="versions", Path="/team/", PolicyDocument=json.dumps(READS), Description="reads & <more>",
        Tags=[{"Key": "team", "Value": "a b"}],
    )["Policy"]
    assert made["Arn"].endswith(":policy/team/versions") and made["CreateDate"].tzinfo
    arn = made["Arn"]
    got = iam.get_policy(PolicyArn=arn)["Policy"]
    assert got["Description"] == "reads & <more>" and got["Tags"] == [{"Key": "team", "Value": "a b"}]
    writes = json.loads(json.dumps(READS).replace("Get", "Put"))
    added = iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(writes), SetAsDefault=True)
    assert added["PolicyVersion"]["VersionId"] == "v2" and added["PolicyVersion"]["IsDefaultVersion"]
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]["Document"] == writes
    assert [it["VersionId"] for it in pages(iam, "list_policy_versions", "Versions", PolicyArn=arn)] == ["v2", "v1"]
    refused("DeleteConflict", iam.delete_policy_version, PolicyArn=arn, VersionId="v2")
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "empty", "Value": ""}])
    assert len(iam.list_policy_tags(PolicyArn=arn)["Tags"]) == 2
    iam.untag_policy(PolicyArn=arn, TagKeys=["team"])
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == [{"Key": "empty", "Value": ""}]
    assert "versions" in [it["PolicyName"] for it in pages(iam, "list_policies", "Policies", Scope="Local")]
    clouds_own = pages(iam, "list_policies", "Policies", Scope="AWS")
    assert "AdministratorAccess" in [it["PolicyName"] for it in clouds_own]
    iam.delete_policy(PolicyArn=arn)
    refused("NoSuchEntity", iam.get_policy, PolicyArn=arn)


def test_roles_go_into_instance_profiles(iam):
    made = iam.create_role(
        RoleName="web", Path="/app/", AssumeRolePolicyDocument=json.dumps(TRUST), Description="web servers",
        MaxSessionDuration=7200, Tags=[{"Key": "stage", "Value": "test"}],
    )["Role"]
    assert made["AssumeRolePolicyDocument"] == TRUST and made["MaxSessionDuration"] == 7200
    assert iam.get_role(RoleName="web")["Role"] == made
    iam.update_role(RoleName="web", Description="", MaxSessionDuration=3600)
    assert "Description" not in iam.get_role(RoleName="web")["Role"]
    assert iam.update_role_description(RoleName="web", Description="again")["Role"]["Description"] == "again"
    iam.update_assume_role_policy(RoleName="web", PolicyDocument=json.dumps(TRUST))
    iam.tag_role(RoleName="web", Tags=[{"Key": "Stage", "Value": "live"}])
    assert iam.list_role_tags(RoleName="web")["Tags"] == [{"Key": "Stage", "Value": "live"}]
    iam.untag_role(RoleName="web", TagKeys=["Stage"])
    assert "web" in [it["RoleName"] for it in pages(iam, "list_roles", "Roles", PathPrefix="/app/")]

    iam.create_instance_profile(InstanceProfileName="front", Tags=[{"Key": "a", "Value": "b"}])
    iam.add_role_to_instance_profile(InstanceProfileName="front", RoleName="web")
    profile = iam.get_instance_profile(InstanceProfileName="front")["InstanceProfile"]
    assert profile["Roles"][0]["RoleName"] == "web" and profile["Tags"] == [{"Key": "a", "Value": "b"}]
    waiter = iam.get_waiter("instance_profile_exists")
    waiter.wait(InstanceProfileName="front", WaiterConfig={"MaxAttempts": 1})
    iam.create_role(RoleName="second", AssumeRolePolicyDocument=json.dumps(TRUST))
    refused("LimitExceeded", iam.add_role_to_instance_profile, InstanceProfileName="front", RoleName="second")
    iam.delete_role(RoleName="second")
    assert len(iam.list_instance_profiles_for_role(RoleName="web")["InstanceProfiles"]) == 1
    assert len(iam.list_instance_profiles()["InstanceProfiles"]) == 1
    refused("DeleteConflict", iam.delete_role, RoleName="web")
    iam.tag_instance_profile(InstanceProfileName="front", Tags=[{"Key": "c", "Value": "d"}])
    iam.untag_instance_profile(InstanceProfileName="front", TagKeys=["a"])
    assert iam.list_instance_profile_tags(InstanceProfileName="front")["Tags"] == [{"Key": "c", "Value": "d"}]
    iam.remove_role_from_instance_profile(InstanceProfileName="front", RoleName="web")
    iam.delete_instance_profile(InstanceProfileName="front")
    iam.delete_role(RoleName="web")
    refused("NoSuchEntity", iam.get_role, RoleName="web")


def test_simulations_say_what_the_cloud_does(iam):
    arn = iam.create_user(UserName="simulated")["User"]["Arn"]
    iam.put_user_policy(UserName="simulated", PolicyName="reads", PolicyDocument=json.dumps(READS))
    told = iam.simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=["s3:GetObject", "s3:DeleteObject"],
        ResourceArns=["arn:aws:s3:::b/k", "arn:aws:s3:::c/k"],
    )["EvaluationResults"]
    decided = {(it["EvalActionName"], it["EvalResourceName"]): it["EvalDecision"] for it in told}
    assert decided.pop(("s3:GetObject", "arn:aws:s3:::b/k")) == "allowed"
    assert set(decided.values()) == {"implicitDeny"} and len(decided) == 3
    matched = told[0]["MatchedStatements"][0]
    assert matched["SourcePolicyId"] == "user_simulated_reads"
    assert matched["StartPosition"]["Line"] == 1 and matched["EndPosition"]["Column"] > 1
    deny = {"Version": "2012-10-17", "Statement": {
        "Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    }}
    both = dict(PolicySourceArn=arn, ActionNames=["s3:GetObject"], ResourceArns=["arn:aws:s3:::b/k"],
                PolicyInputList=[json.dumps(deny)])
    address = {"ContextKeyName": "aws:SourceIp", "ContextKeyType": "ip", "ContextKeyValues": ["10.1.2.3"]}
    assert iam.simulate_principal_policy(**both)["EvaluationResults"][0]["MissingContextValues"]
    told = iam.simulate_principal_policy(**both, ContextEntries=[address])["EvaluationResults"][0]
    assert told["EvalDecision"] == "explicitDeny"
    assert told["MatchedStatements"][0]["SourcePolicyId"] == "PolicyInputList.1"
    keys = iam.get_context_keys_for_custom_policy(PolicyInputList=[json.dumps(deny)])["ContextKeyNames"]
    assert [key.lower() for key in keys] == ["aws:sourceip"]
    assert iam.get_context_keys_for_principal_policy(PolicySourceArn=arn)["ContextKeyNames"] == []
    custom = iam.simulate_custom_policy(PolicyInputList=[json.dumps(READS)], ActionNames=["s3:GetObject"])
    assert custom["EvaluationResults"][0]["EvalResourceName"] == "*"
    details = iam.get_account_authorization_details(Filter=["User", "AWSManagedPolicy"])
    shown = next(it for it in details["UserDetailList"] if it["UserName"] == "simulated")
    assert shown["UserPolicyList"] == [{"PolicyName": "reads", "PolicyDocument": READS}]
    assert details["Policies"][0]["PolicyVersionList"][0]["Document"]["Version"] == "2012-10-17"
    iam.delete_user_policy(UserName="simulated", PolicyName="reads")
    iam.delete_user(UserName="simulated")


def test_awscli_keeps_policies_and_roles(owner, tmp_path):
    def aws(*arguments):
        told = clouds.aws(owner, "iam", *arguments, "--output", "json")
        return json.loads(told) if told.strip() else None

    (tmp_path / "policy.json").write_text(json.dumps(READS, indent=1))
    (tmp_path / "trust.json").write_text(json.dumps(TRUST))
    text, trust = f"file://{tmp_path}/policy.json", f"file://{tmp_path}/trust.json"
    arn = aws("create-policy", "--policy-name", "cli", "--policy-document", text)["Policy"]["Arn"]
    role = aws("create-role", "--role-name", "cli", "--assume-role-policy-document", trust)["Role"]["Arn"]
    aws("attach-role-policy", "--role-name", "cli", "--policy-arn", arn)
    aws("put-role-policy", "--role-name", "cli", "--policy-name", "own", "--policy-document", text)
    assert aws("get-role-policy", "--role-name", "cli", "--policy-name", "own")["PolicyDocument"] == READS
    told = aws("simulate-principal-policy", "--policy-source-arn", role, "--action-names", "s3:GetObject",
               "--resource-arns", "arn:aws:s3:::b/k")
    assert told["EvaluationResults"][0]["EvalDecision"] == "allowed"
    aws("delete-role-policy", "--role-name", "cli", "--policy-name", "own")
    aws("detach-role-policy", "--role-name", "cli", "--policy-arn", arn)
    aws("delete-role", "--role-name", "cli")
    aws("delete-policy", "--policy-arn", arn)


def test_boto_of_2012_reads_what_it_wrote(owner):
    url = urllib.parse.urlsplit(owner["AWS_IAM_URL"])
    iam = IAMConnection(
        owner["EC2_ACCESS_KEY"], owner["EC2_SECRET_KEY"], is_secure=False, host=url.hostname, port=url.port,
        path=url.path,
    )
    iam.create_user("old")
    iam.put_user_policy("old", "reads", json.dumps(READS))
    told = iam.get_user_policy("old", "reads")["get_user_policy_response"]["get_user_policy_result"]
    assert json.loads(urllib.parse.unquote(told["policy_document"])) == READS
    listed = iam.get_all_user_policies("old")["list_user_policies_response"]["list_user_policies_result"]
    assert listed["policy_names"] == ["reads"]
    iam.delete_user_policy("old", "reads")
    iam.delete_user("old")
