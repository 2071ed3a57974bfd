"""IAM's actions on people, as boto3, boto 2.49 and the AWS CLI speak of them."""

import json
import subprocess

import boto3
import pytest
from boto.iam.connection import IAMConnection
from botocore.config import Config
from botocore.exceptions import ClientError

import cloud as clouds


def client(credentials, service="iam", key=None):
    return boto3.client(
        service, region_name="eucalyptus", endpoint_url=credentials[f"AWS_ENDPOINT_URL_{service.upper()}"],
        aws_access_key_id=key["AccessKeyId"] if key else credentials["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=key["SecretAccessKey"] if key else credentials["AWS_SECRET_ACCESS_KEY"],
        # Two equal changes of one second have one signature: the client is asked to wait and sign anew.
        config=Config(retries={"mode": "standard", "max_attempts": 8}),
    )


def refused(code, call, **arguments):
    with pytest.raises(ClientError) as told:
        call(**arguments)
    assert told.value.response["Error"]["Code"] == code
    return told.value


@pytest.fixture(scope="module")
def owner(cloud):
    return cloud.add_user("people")


@pytest.fixture(scope="module")
def iam(owner):
    return client(owner)


def test_boto3_has_a_session_with_users(iam, owner):
    made = iam.create_user(
        UserName="hanako", Path="/sales/", Tags=[{"Key": "Team", "Value": "blue"}, {"Key": "empty", "Value": ""}]
    )["User"]
    assert made["Arn"] == f"arn:aws:iam::{owner['EC2_USER_ID']}:user/sales/hanako"
    assert made["UserId"].startswith("AIDA") and made["CreateDate"].tzinfo is not None
    told = iam.get_user(UserName="HANAKO")["User"]
    assert {tag["Key"]: tag["Value"] for tag in told["Tags"]} == {"Team": "blue", "empty": ""}
    assert told["CreateDate"] == made["CreateDate"]
    assert iam.get_user()["User"]["UserName"] == "admin"
    error = refused("EntityAlreadyExists", iam.create_user, UserName="Hanako")
    assert isinstance(error, iam.exceptions.EntityAlreadyExistsException)
    assert isinstance(refused("NoSuchEntity", iam.get_user, UserName="nobody"), iam.exceptions.NoSuchEntityException)
    refused("ValidationError", iam.create_user, UserName="a b")

    for number in range(7):
        iam.create_user(UserName=f"u{number}", Path="/many/")
    pages = list(iam.get_paginator("list_users").paginate(PathPrefix="/many/", PaginationConfig={"PageSize": 3}))
    assert [len(page["Users"]) for page in pages] == [3, 3, 1]
    assert [user["UserName"] for page in pages for user in page["Users"]] == [f"u{n}" for n in range(7)]

    iam.update_user(UserName="hanako", NewUserName="hana", NewPath="/")
    iam.tag_user(UserName="hana", Tags=[{"Key": "Team", "Value": "red"}])
    iam.untag_user(UserName="hana", TagKeys=["empty"])
    assert iam.list_user_tags(UserName="hana")["Tags"] == [{"Key": "Team", "Value": "red"}]
    iam.get_waiter("user_exists").wait(UserName="hana", WaiterConfig={"Delay": 1, "MaxAttempts": 2})
    iam.delete_user(UserName="hana")
    refused("NoSuchEntity", iam.delete_user, UserName="hana")


def test_boto3_has_a_session_with_groups(iam):
    made = iam.create_group(GroupName="Sales", Path="/g/")["Group"]
    assert made["GroupId"].startswith("AGPA")
    for name in ("g1", "g2", "g3"):
        iam.create_user(UserName=name)
        iam.add_user_to_group(GroupName="Sales", UserName=name)
    pages = list(iam.get_paginator("get_group").paginate(GroupName="sales", PaginationConfig={"PageSize": 2}))
    assert [[user["UserName"] for user in page["Users"]] for page in pages] == [["g1", "g2"], ["g3"]]
    refused("DeleteConflict", iam.delete_group, GroupName="Sales")
    refused("DeleteConflict", iam.delete_user, UserName="g1")
    iam.update_group(GroupName="Sales", NewGroupName="Buyers")
    assert [group["GroupName"] for group in iam.list_groups_for_user(UserName="g1")["Groups"]] == ["Buyers"]
    for name in ("g1", "g2", "g3"):
        iam.remove_user_from_group(GroupName="Buyers", UserName=name)
        iam.delete_user(UserName=name)
    iam.delete_group(GroupName="Buyers")
    assert iam.list_groups()["Groups"] == []


def test_boto3_has_a_session_with_access_keys(iam, owner):
    iam.create_user(UserName="keyed")
    key = iam.create_access_key(UserName="keyed")["AccessKey"]
    assert key["Status"] == "Active" and len(key["SecretAccessKey"]) == 40
    assert iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]["ServiceName"] == "N/A"
    sts = client(owner, "sts", key)
    assert sts.get_caller_identity()["Arn"].endswith(":user/keyed")
    used = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert used["UserName"] == "keyed" and used["AccessKeyLastUsed"]["ServiceName"] == "sts"
    assert used["AccessKeyLastUsed"]["LastUsedDate"].tzinfo is not None
    iam.create_access_key(UserName="keyed")
    refused("LimitExceeded", iam.create_access_key, UserName="keyed")
    iam.update_access_key(UserName="keyed", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    refused("InvalidClientTokenId", sts.get_caller_identity)
    listed = iam.list_access_keys(UserName="keyed")["AccessKeyMetadata"]
    assert sorted(it["Status"] for it in listed) == ["Active", "Inactive"]
    refused("DeleteConflict", iam.delete_user, UserName="keyed")
    for it in listed:
        iam.delete_access_key(UserName="keyed", AccessKeyId=it["AccessKeyId"])
    iam.delete_user(UserName="keyed")


def test_boto3_has_a_session_with_signing_certificates(iam, tmp_path):
    def certificate(name, *key):
        made = subprocess.run(
            ["openssl", "req", "-x509", "-nodes", "-subj", f"/CN={name}", "-days", "9", "-keyout", tmp_path / "key",
             *key], check=True, capture_output=True, text=True)
        return made.stdout

    iam.create_user(UserName="signer")
    own = certificate("signer", "-newkey", "rsa:2048")
    uploaded = iam.upload_signing_certificate(UserName="signer", CertificateBody=own)["Certificate"]
    assert uploaded["CertificateBody"].strip() == own.strip() and uploaded["Status"] == "Active"
    error = refused("DuplicateCertificate", iam.upload_signing_certificate, UserName="signer", CertificateBody=own)
    assert isinstance(error, iam.exceptions.DuplicateCertificateException)
    elliptic = certificate("e", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    refused("InvalidCertificate", iam.upload_signing_certificate, UserName="signer", CertificateBody=elliptic)
    refused("MalformedCertificate", iam.upload_signing_certificate, UserName="signer", CertificateBody="x")
    listed = iam.list_signing_certificates(UserName="signer")["Certificates"]
    assert [it["CertificateId"] for it in listed] == [uploaded["CertificateId"]]
    named = {"UserName": "signer", "CertificateId": uploaded["CertificateId"]}
    iam.update_signing_certificate(**named, Status="Inactive")
    assert iam.list_signing_certificates(UserName="signer")["Certificates"][0]["Status"] == "Inactive"
    refused("DeleteConflict", iam.delete_user, UserName="signer")
    iam.delete_signing_certificate(**named)
    iam.delete_user(UserName="signer")


def test_boto3_names_the_account_and_counts_it(cloud):
    iam = client(cloud.add_user("named"))
    assert iam.list_account_aliases()["AccountAliases"] == ["named"]
    iam.create_account_alias(AccountAlias="renamed")
    assert iam.list_account_aliases()["AccountAliases"] == ["renamed"]
    refused("EntityAlreadyExists", iam.create_account_alias, AccountAlias="people")
    iam.delete_account_alias(AccountAlias="renamed")
    assert iam.list_account_aliases()["AccountAliases"] == []
    summary = iam.get_account_summary()["SummaryMap"]
    assert summary["Users"] == 1 and summary["GroupsQuota"] == 300 and summary["AccountAccessKeysPresent"] == 1


def test_boto2_reads_users_keys_and_accounts(cloud, owner):
    def classic(credentials):
        return IAMConnection(
            credentials["EC2_ACCESS_KEY"], credentials["EC2_SECRET_KEY"], is_secure=False, host="127.0.0.1",
            port=cloud.ports["clc"], path="/services/Euare",
        )

    iam = classic(owner)
    assert iam.create_user("classic").create_user_result.user.user_name == "classic"
    assert "classic" in [user.user_name for user in iam.get_all_users("/").users]
    key = iam.create_access_key("classic").access_key
    assert [it.access_key_id for it in iam.get_all_access_keys("classic").access_key_metadata] == [key.access_key_id]
    iam.delete_access_key(key.access_key_id, "classic")
    iam.delete_user("classic")

    # What Eucalyptus adds: accounts, acting in them, certificates with their keys.
    admin = classic(cloud.administrator)
    made = admin.get_response("CreateAccount", {"AccountName": "acme"})
    account = made["create_account_response"]["create_account_result"]["account"]
    assert account["account_name"] == "acme" and len(account["account_id"]) == 12
    listed = admin.get_response("ListAccounts", {}, list_marker="Accounts")
    names = [it.account_name for it in listed.list_accounts_response.list_accounts_result.accounts]
    assert {"acme", "eucalyptus", "people"} <= set(names)
    there = {"DelegateAccount": "acme"}
    made = admin.get_response("CreateSigningCertificate", there)
    certificate = made["create_signing_certificate_response"]["create_signing_certificate_result"]["certificate"]
    assert "BEGIN RSA PRIVATE KEY" in certificate["private_key"]
    users = admin.get_response("ListUsers", there, list_marker="Users")
    assert [it.user_name for it in users.list_users_response.list_users_result.users] == ["admin"]
    admin.get_response("DeleteAccount", {"AccountName": "acme", "Recursive": "true"})


def test_the_aws_cli_has_a_session(owner):
    def aws(*arguments):
        said = clouds.aws(owner, "--output", "json", "iam", *arguments, AWS_PAGER="")
        return json.loads(said) if said.strip() else None

    aws("create-user", "--user-name", "cli", "--path", "/c/", "--tags", "Key=a,Value=b")
    assert aws("get-user", "--user-name", "cli")["User"]["Path"] == "/c/"
    key = aws("create-access-key", "--user-name", "cli")["AccessKey"]
    assert aws("list-access-keys", "--user-name", "cli")["AccessKeyMetadata"][0]["AccessKeyId"] == key["AccessKeyId"]
    aws("create-group", "--group-name", "clis")
    aws("add-user-to-group", "--group-name", "clis", "--user-name", "cli")
    assert aws("get-group", "--group-name", "clis")["Users"][0]["UserName"] == "cli"
    assert "cli" in [user["UserName"] for user in aws("list-users", "--max-items", "100")["Users"]]
    aws("remove-user-from-group", "--group-name", "clis", "--user-name", "cli")
    aws("delete-group", "--group-name", "clis")
    aws("delete-access-key", "--user-name", "cli", "--access-key-id", key["AccessKeyId"])
    aws("delete-user", "--user-name", "cli")
