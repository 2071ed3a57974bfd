"""The people inside an account: users, groups, roles and what they may."""

import json

import boto3
import pytest

from conftest import OWN, Visitor
from looks import LOOKS, looked_at

TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
READ = {"Statement": [{"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"}]}


def iam_of(user):
    return boto3.client(
        "iam", endpoint_url=user["EUARE_URL"], region_name="eucalyptus",
        aws_access_key_id=user["EC2_ACCESS_KEY"], aws_secret_access_key=user["EC2_SECRET_KEY"],
    )


def test_a_user_inside_an_account_sees_what_is_attached(site, visit):
    _, first = site.add("juichi")
    owner = visit()
    owner.enter("juichi", first)
    owner.page.click(".side a[href='/iam']")
    made = owner.page.input_value("[name=password]")
    owner.fill(name="helper")
    owner.send()
    assert owner.page.inner_text("h1") == "helper"
    it = visit()
    it.go("/sign-in")
    it.fill(account="juichi", user="helper", password=made)
    it.send()
    it.fill(password=OWN, again=OWN)
    it.send()
    assert it.go("/instances").status == 403
    it.faults.clear()
    owner.page.select_option("[name=arn]", label="AmazonEC2ReadOnlyAccess")
    with owner.page.expect_navigation():
        owner.page.click("form[action='/iam/attach'] button")
    assert it.go("/instances").status == 200
    assert not owner.faults and not it.faults


def press(it, selector):
    with it.page.expect_navigation():
        it.page.click(selector)


def test_a_group_and_a_role_are_made_and_used_without_a_script(site, visit):
    user, first = site.add("juni-owner")
    iam = iam_of(user)
    it = visit(script=False, width=360)
    it.enter("juni-owner", first)
    it.go("/iam")
    it.fill(name="worker", password=OWN)
    it.send()
    it.go("/iam/groups")
    it.fill(name="crew")
    it.send()
    assert it.page.inner_text("h1").endswith("crew")
    it.fill(user="worker")
    press(it, "form[action='/iam/group/join'] button")
    assert [each["UserName"] for each in iam.get_group(GroupName="crew")["Users"]] == ["worker"]
    it.page.click("details.more summary")
    it.page.fill("details.more [name=policy]", "look")
    it.page.fill("details.more [name=document]", json.dumps(READ))
    press(it, "details.more form[action='/iam/policy'] button")
    assert iam.get_group_policy(GroupName="crew", PolicyName="look")["PolicyDocument"] == READ
    it.go("/iam/roles")
    it.fill(name="visitor", document="{")
    it.send()
    assert it.page.locator("main .why, main [role=alert]").count() > 0
    assert it.page.input_value("[name=document]") == "{"
    it.fill(document=json.dumps(TRUST))
    it.send()
    assert iam.get_role(RoleName="visitor")["Role"]["AssumeRolePolicyDocument"] == TRUST


@pytest.fixture(scope="module")
def company(site, chromium):
    """The owner of an account with a user, a group and a role, signed in once."""
    user, first = site.add("company-shown")
    iam = iam_of(user)
    iam.create_user(UserName="jiro")
    iam.create_access_key(UserName="jiro")
    iam.create_group(GroupName="crew")
    iam.add_user_to_group(GroupName="crew", UserName="jiro")
    iam.put_group_policy(GroupName="crew", PolicyName="look", PolicyDocument=json.dumps(READ))
    iam.create_role(RoleName="visitor", AssumeRolePolicyDocument=json.dumps(TRUST))
    it = Visitor(chromium, site)
    it.enter("company-shown", first)
    cookies = it.context.cookies()
    it.context.close()
    return cookies


@pytest.mark.parametrize("language, width, scheme", LOOKS)
def test_looks(company, visit, language, width, scheme):
    it = visit(language=language, width=width, scheme=scheme)
    it.context.add_cookies(company)
    for name, path in {
        "iam": "/iam",
        "iam-user": "/iam/user?name=jiro",
        "iam-groups": "/iam/groups",
        "iam-group": "/iam/group?name=crew",
        "iam-roles": "/iam/roles",
        "iam-role": "/iam/role?name=visitor",
    }.items():
        looked_at(it, name, path)
