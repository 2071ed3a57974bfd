"""Login profiles, password policies and second factors, as boto3 knows them."""

import base64
import hashlib
import hmac
import struct
import time

import boto3
import pytest
from botocore.exceptions import ClientError

import peer

PASSWORD = "korrekt Pferd 1"


@pytest.fixture(scope="module")
def owner(cloud):
    return cloud.add_user("logins")


@pytest.fixture(scope="module")
def iam(owner):
    client = boto3.client(
        "iam", region_name="eucalyptus", endpoint_url=owner["AWS_IAM_URL"],
        aws_access_key_id=owner["EC2_ACCESS_KEY"], aws_secret_access_key=owner["EC2_SECRET_KEY"],
    )
    client.create_user(UserName="hanako")
    return client


def log_in(cloud, password, **more):
    return peer.call(cloud, "people", "LogIn", account="logins", user="hanako", password=password,
                     address="192.0.2.8", **more)


def code_of(call, **parameters):
    with pytest.raises(ClientError) as told:
        call(**parameters)
    return told.value.response["Error"]["Code"]


def shown(secret, step):
    """What a device shows, by RFC 6238."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 1000000:06}"


def test_a_login_profile_and_the_rules_for_passwords(cloud, iam):
    assert code_of(iam.get_account_password_policy) == "NoSuchEntity"
    iam.update_account_password_policy(
        MinimumPasswordLength=12, RequireNumbers=True, PasswordReusePrevention=3, MaxPasswordAge=90,
        AllowUsersToChangePassword=True,
    )
    policy = iam.get_account_password_policy()["PasswordPolicy"]
    assert (policy["MinimumPasswordLength"], policy["ExpirePasswords"], policy["MaxPasswordAge"]) == (12, True, 90)
    weak = {"UserName": "hanako", "Password": "no digits at all"}
    assert code_of(iam.create_login_profile, **weak) == "PasswordPolicyViolation"
    made = iam.create_login_profile(UserName="hanako", Password=PASSWORD, PasswordResetRequired=True)["LoginProfile"]
    assert made["UserName"] == "hanako" and made["PasswordResetRequired"] is True
    assert "must_change" in log_in(cloud, PASSWORD)
    iam.update_login_profile(UserName="hanako", PasswordResetRequired=False)
    assert log_in(cloud, PASSWORD)["in"]["user"] == "hanako"
    assert iam.get_login_profile(UserName="hanako")["LoginProfile"]["CreateDate"] == made["CreateDate"]
    again = {"UserName": "hanako", "Password": PASSWORD}
    assert code_of(iam.update_login_profile, **again) == "PasswordPolicyViolation"
    assert code_of(iam.delete_user, UserName="hanako") == "DeleteConflict"
    iam.delete_account_password_policy()


def test_a_user_changes_the_own_password(cloud, iam, owner):
    key = iam.create_access_key(UserName="hanako")["AccessKey"]
    own = boto3.client(
        "iam", region_name="eucalyptus", endpoint_url=owner["AWS_IAM_URL"],
        aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"],
    )
    new = {"OldPassword": PASSWORD, "NewPassword": "quite other words"}
    assert code_of(own.change_password, **new) == "AccessDenied"
    iam.attach_user_policy(UserName="hanako", PolicyArn="arn:aws:iam::aws:policy/IAMUserChangePassword")
    assert code_of(own.change_password, OldPassword="wrong words", NewPassword="quite other words") == "AccessDenied"
    own.change_password(**new)
    assert "in" in log_in(cloud, "quite other words")


def test_a_second_factor(cloud, iam):
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    serial, secret = made["SerialNumber"], made["Base32StringSeed"]
    now = int(time.time()) // 30
    iam.enable_mfa_device(UserName="hanako", SerialNumber=serial,
                          AuthenticationCode1=shown(secret, now - 2), AuthenticationCode2=shown(secret, now - 1))
    (listed,) = iam.list_mfa_devices(UserName="hanako")["MFADevices"]
    assert (listed["SerialNumber"], listed["UserName"]) == (serial, "hanako")
    assert log_in(cloud, "quite other words") == "needs_code"
    assert "in" in log_in(cloud, "quite other words", code=shown(secret, now + 1))
    with pytest.raises(peer.Refused, match="AccessDenied"):
        log_in(cloud, "quite other words", code=shown(secret, now + 1))
    assert code_of(iam.delete_virtual_mfa_device, SerialNumber=serial) == "DeleteConflict"
    iam.deactivate_mfa_device(UserName="hanako", SerialNumber=serial)
    iam.delete_virtual_mfa_device(SerialNumber=serial)
    assert "in" in log_in(cloud, "quite other words")
