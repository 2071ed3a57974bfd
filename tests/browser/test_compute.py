"""Instances and key pairs: made, watched, changed and ended by people at the console."""

import base64
import os
import stat
import subprocess

import pytest

from conftest import OWN
from looks import LOOKS, looked_at

# Each language with each width, each width with each scheme, each scheme with each language.
SCRIPT = "<script>alert(1)</script>"


def test_a_key_pair_is_shown_once_and_had_as_a_file(site, visit, tmp_path):
    user, first = site.add("keyed")
    it = visit()
    it.enter("keyed", first)
    it.go("/key-pairs")
    assert "There are no key pairs yet." in it.page.inner_text("main")
    it.page.click("a[href='/key-pairs/new']")
    it.fill(name=f"web {SCRIPT}")
    it.page.check("[value=ed25519]")
    it.send()
    assert it.page.inner_text("h1") == "Save the private key now"
    key = it.page.input_value("#private-key")
    assert key.startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    for _ in range(2):
        with it.page.expect_download() as had:
            it.page.click("button:has-text('Download')")
        file = tmp_path / "key.pem"
        had.value.save_as(file)
        assert file.read_text() == key
    assert "PRIVATE" not in it.page.url and had.value.suggested_filename.endswith(".pem")
    os.chmod(file, stat.S_IRUSR)
    public = subprocess.run(["ssh-keygen", "-y", "-f", file], capture_output=True, text=True, check=True).stdout
    it.page.click("a:has-text('I have saved it')")
    assert it.page.locator("tbody tr").count() == 1 and SCRIPT in it.page.inner_text("tbody")
    (known,) = site.ec2(user).describe_key_pairs(IncludePublicKey=True)["KeyPairs"]
    assert known["PublicKey"].split()[1] == public.split()[1]
    # It cannot be had again, nor made twice.
    assert it.page.content().find("PRIVATE KEY") < 0
    it.go("/key-pairs/new")
    it.fill(name=f"web {SCRIPT}")
    it.send()
    assert "already exists" in it.page.inner_text(".wrong")
    it.faults.clear()

    # What is in a file comes into the form, and what is no key is refused beside its field.
    it.go("/key-pairs/import")
    (tmp_path / "key.pub").write_text(public)
    it.page.set_input_files("input[type=file]", tmp_path / "key.pub")
    it.page.wait_for_function("document.querySelector('[name=material]').value.startsWith('ssh-ed25519')")
    it.fill(name="imported")
    it.send()
    assert it.page.inner_text("[role=status]").startswith("The key pair was imported")
    it.go("/key-pairs/import")
    it.fill(name="broken", material=key)
    it.send()
    assert "this is a private key" in it.page.inner_text("#f-material-wrong")
    it.faults.clear()

    it.go("/key-pairs?q=import")
    it.page.once("dialog", lambda dialog: dialog.accept())
    with it.page.expect_navigation():
        it.page.click("td button.danger")
    assert "deleted" in it.page.inner_text("[role=status]")
    assert it.page.locator("tbody tr").count() == 1
    assert not it.faults


def test_a_key_pair_is_had_without_a_script(site, visit):
    _, first = site.add("plainkey")
    it = visit(script=False, width=360)
    it.enter("plainkey", first)
    it.go("/key-pairs/new")
    it.fill(name="rsa")
    it.send()
    key = it.page.input_value("#private-key")
    assert key.startswith("-----BEGIN RSA PRIVATE KEY-----")
    with it.page.expect_download() as had:
        it.page.click("button:has-text('Download')")
    assert open(had.value.path()).read() == key


@pytest.fixture(scope="module")
def owner(site, chromium):
    """A user with an API, and a browser's cookies of theirs."""
    from conftest import Visitor

    user, first = site.add("owner")
    it = Visitor(chromium, site)
    it.enter("owner", first)
    cookies = it.context.cookies()
    it.context.close()
    return site.ec2(user), cookies


def at_home(owner, visit, **options):
    ec2, cookies = owner
    it = visit(**options)
    it.context.add_cookies(cookies)
    return ec2, it


def image_of(it):
    return it.page.input_value("input[name=image]")


def press(it, what):
    """Presses a button that asks first, and says yes."""
    it.page.once("dialog", lambda dialog: dialog.accept())
    with it.page.expect_navigation():
        it.page.click(what)


def test_an_instance_is_stopped_started_rebooted_named_and_saved(site, owner, visit):
    ec2, it = at_home(owner, visit)
    (made,) = ec2.run_instances(ImageId=site.bootable(), MinCount=1, MaxCount=1)["Instances"]
    instance = made["InstanceId"]
    it.go(f"/instances/{instance}")
    it.page.locator("dd .tag.good:text-is('running')").wait_for(timeout=30_000)
    # What can be done follows what it is, without a reload.
    assert it.page.locator("button:has-text('Start')").count() == 0
    press(it, "button:text-is('Reboot')")
    assert it.page.inner_text("[role=status]").startswith("It was told to reboot")
    press(it, "button:text-is('Stop')")
    it.page.locator("button:text-is('Start')").wait_for(timeout=30_000)
    assert it.page.locator("button:text-is('Stop')").count() == 0
    with it.page.expect_navigation():
        it.page.click("button:text-is('Start')")
    it.page.locator("button:text-is('Stop')").wait_for(timeout=30_000)

    it.fill(name=f"Web {SCRIPT}")
    with it.page.expect_navigation():
        it.page.click("button:text-is('Set the name')")
    assert SCRIPT in it.page.inner_text("h1")
    for key, value in (("Team", f"blue {SCRIPT}"), ("Old", "")):
        it.page.fill("#f-key", key)
        it.page.fill("#f-value", value)
        with it.page.expect_navigation():
            it.page.click("button:text-is('Set the tag')")
    with it.page.expect_navigation():
        it.page.click("li:has-text('Old') button")
    assert it.page.locator(".tags li").count() == 1 and SCRIPT in it.page.inner_text(".tags")
    it.page.fill("#f-key", "aws:mine")
    with it.page.expect_navigation():
        it.page.click("button:text-is('Set the tag')")
    assert "reserved" in it.page.inner_text("[role=alert]")
    it.faults.clear()
    for query, found in (("tag=Team", 1), ("tag=Old", 0), ("key=none", 0), ("q=web", 1), ("type=m1.small&state=running", 1)):
        it.go(f"/instances?{query}")
        assert it.page.locator(f"tr:has-text('{instance}')").count() == found, query

    it.go(f"/instances/{instance}/console")
    assert it.page.inner_text("h1").endswith(f"({instance})")

    it.go(f"/instances/{instance}")
    with it.page.expect_navigation():
        it.page.click("a:has-text('Launch more like this')")
    assert it.page.is_checked("[value='m1.small']") and image_of(it) == site.bootable()
    it.go(f"/instances/{instance}")
    it.page.click("a:has-text('Save as image')")
    it.fill(name="x")
    it.send()
    assert it.page.locator("#f-name-wrong").count() == 1
    it.faults.clear()
    it.fill(name="saved-web", description="From the console")
    it.page.check("[value=no-reboot]")
    it.send()
    assert it.page.inner_text("[role=status]").startswith("The image is being made")
    (image,) = ec2.describe_images(Owners=["self"])["Images"]
    assert (image["Name"], image["Description"]) == ("saved-web", "From the console")
    assert f"/images/{image['ImageId']}" in it.page.url
    it.go(f"/instances/{instance}")
    it.page.locator(".notice:has-text('Saved as an image')").wait_for(timeout=30_000)

    # What cannot be undone asks on a page of its own.
    it.go(f"/instances/{instance}")
    with it.page.expect_navigation():
        it.page.click("button:has-text('Terminate')")
    assert "cannot be undone" in it.page.inner_text("main")
    with it.page.expect_navigation():
        it.page.click("main form button.danger")
    it.page.locator("dd .tag:text-is('terminated')").wait_for(timeout=30_000)
    assert it.page.locator(".deeds button").count() == 0
    assert not it.faults


def test_several_are_changed_at_once_without_a_script(site, owner, visit):
    ec2, it = at_home(owner, visit, script=False, width=360)
    made = ec2.run_instances(ImageId=site.bootable(), MinCount=3, MaxCount=3)["Instances"]
    ids = [each["InstanceId"] for each in made]
    ec2.get_waiter("instance_running").wait(InstanceIds=ids, WaiterConfig={"Delay": 1})
    ec2.stop_instances(InstanceIds=ids[:1])
    ec2.get_waiter("instance_stopped").wait(InstanceIds=ids[:1], WaiterConfig={"Delay": 1})
    it.go("/instances")
    for instance in ids:
        it.page.check(f"#tick-{instance}")
    with it.page.expect_navigation():
        it.page.click("#do-stop")
    assert it.page.inner_text("h1") == "Stop: 2 instances"
    assert ids[0] in it.page.inner_text("h2:has-text('Left out') + ul")
    it.send()
    assert it.page.inner_text("[role=status]").startswith("It was told to stop")
    ec2.get_waiter("instance_stopped").wait(InstanceIds=ids, WaiterConfig={"Delay": 1})
    it.go("/instances?state=stopped")
    assert it.page.locator("#do-stop").count() == 0, "what cannot be done is not offered"
    for instance in ids:
        it.page.check(f"#tick-{instance}")
    with it.page.expect_navigation():
        it.page.click("#do-terminate")
    it.send()
    ec2.get_waiter("instance_terminated").wait(InstanceIds=ids, WaiterConfig={"Delay": 1})
    it.go("/instances/change?do=terminate")
    assert "Tick the instances" in it.page.inner_text("main")


def test_ticked_boxes_stay_ticked_when_the_list_changes(site, owner, visit):
    ec2, it = at_home(owner, visit)
    made = ec2.run_instances(ImageId=site.bootable(), MinCount=2, MaxCount=2)["Instances"]
    one, two = [each["InstanceId"] for each in made]
    it.go("/instances")
    it.page.check(f"#tick-{one}")
    ec2.terminate_instances(InstanceIds=[two])
    it.page.locator(f"tr:has-text('{two}') .tag:text-is('terminated')").wait_for(timeout=30_000)
    assert it.page.is_checked(f"#tick-{one}")
    ec2.terminate_instances(InstanceIds=[one])
    assert not it.faults


def review(it):
    with it.page.expect_navigation():
        it.page.click(".deeds button:text-is('Review')")


def test_an_instance_is_launched_and_seen_to_come_up(site, owner, visit, tmp_path):
    ec2, it = at_home(owner, visit)
    image = site.bootable()
    it.go("/instances")
    it.page.click("a:text-is('Launch instances')")
    it.page.fill("[name=q]", "disk")
    with it.page.expect_navigation():
        it.page.click("form.search button")
    with it.page.expect_navigation():
        it.page.click(f"tr:has-text('{image}') a.button")
    assert it.page.inner_text("h1") == "Launch instances"
    it.fill(name=f"Launched {SCRIPT}", count="2", new_key="on-the-way")
    (tmp_path / "data.bin").write_bytes(b"\xff\x00binary")
    it.page.set_input_files("#file-data", tmp_path / "data.bin")
    it.page.wait_for_function("document.querySelector('[name=packed]').checked")
    # A key pair is made on the way, and nothing that was filled in is lost.
    with it.page.expect_navigation():
        it.page.click("button:has-text('Create it and use it')")
    assert "PRIVATE KEY" in it.page.input_value("#private-key")
    with it.page.expect_navigation():
        it.page.click("button:has-text('on with the launch')")
    assert it.page.input_value("[name=key]") == "on-the-way"
    assert it.page.input_value("[name=count]") == "2" and it.page.is_checked("[name=packed]")
    it.page.click("summary:has-text('Further settings')")
    it.page.check("[name=protect]")
    it.fill(tags="Team=blue", devices="sdb")
    review(it)
    assert "not of the form" in it.page.inner_text("#f-devices-wrong")
    it.faults.clear()
    it.fill(devices="")
    review(it)
    assert it.page.inner_text("h1") == "Review and launch"
    told = it.page.inner_text("main")
    for part in (image, SCRIPT, "on-the-way", "8 bytes", "Team=blue", "2 vCPU"):
        assert part in told, (part, told)
    with it.page.expect_navigation():
        it.page.click("button:text-is('Launch')")
    assert it.page.inner_text("[role=status]").startswith("The instances are being launched")
    it.page.locator("tbody .tag.good:text-is('running')").nth(1).wait_for(timeout=30_000)
    found = ec2.describe_instances(Filters=[{"Name": "key-name", "Values": ["on-the-way"]}])["Reservations"]
    ids = [each["InstanceId"] for each in found[0]["Instances"]]
    assert len(ids) == 2
    data = ec2.describe_instance_attribute(InstanceId=ids[0], Attribute="userData")["UserData"]["Value"]
    assert data == "/wBiaW5hcnk="

    # What is protected is not ended, and is said to be so.
    it.go(f"/instances/change?do=terminate&id={ids[0]}")
    it.send()
    assert "may not be terminated" in it.page.inner_text("[role=alert]")
    it.faults.clear()
    for each in ids:
        ec2.modify_instance_attribute(InstanceId=each, DisableApiTermination={"Value": False})
    ec2.terminate_instances(InstanceIds=ids)
    assert not it.faults


def test_a_launch_needs_no_script_and_says_when_there_is_no_room(site, owner, visit):
    ec2, it = at_home(owner, visit, script=False, width=360, language="ja")
    it.go("/launch")
    with it.page.expect_navigation():
        it.page.click(f"tr:has-text('{site.bootable()}') a.button")
    it.page.check("[value='m1.large']")
    it.page.select_option("[name=key]", "")
    it.fill(count="200")
    with it.page.expect_navigation():
        it.page.click(".deeds button:text-is('確認へ進む')")
    assert "キーペアが指定されていません" in it.page.inner_text("main")
    with it.page.expect_navigation():
        it.page.click("button:text-is('起動')")
    assert "空きが足りません" in it.page.inner_text("#f-count-wrong")
    it.fill(count="1")
    it.page.check("[value='m1.small']")
    with it.page.expect_navigation():
        it.page.click(".deeds button:text-is('確認へ進む')")
    with it.page.expect_navigation():
        it.page.click("button:text-is('変更する')")
    assert it.page.input_value("[name=count]") == "1" and it.page.is_checked("[value='m1.small']")
    with it.page.expect_navigation():
        it.page.click(".deeds button:text-is('確認へ進む')")
    with it.page.expect_navigation():
        it.page.click("button:text-is('起動')")
    assert "起動しています" in it.page.inner_text("[role=status]")
    instance = it.page.url.split("/")[-1].split("?")[0]
    ec2.terminate_instances(InstanceIds=[instance])


def set_to(it, name, value):
    """Chooses a setting and changes it."""
    it.page.select_option(f"#f-{name}", value)
    with it.page.expect_navigation():
        it.page.click(f"form:has(#f-{name}) button")
    assert it.page.inner_text("[role=status]").startswith("The setting was changed")


def test_an_instance_is_set_and_tells_what_happened_to_it(site, owner, visit):
    ec2, it = at_home(owner, visit)
    (made,) = ec2.run_instances(ImageId=site.bootable(), MinCount=1, MaxCount=1)["Instances"]
    instance = made["InstanceId"]
    ec2.get_waiter("instance_running").wait(InstanceIds=[instance], WaiterConfig={"Delay": 1})
    it.go(f"/instances/{instance}/settings")
    set_to(it, "disableApiTermination", "true")
    set_to(it, "disableApiTermination", "false")
    set_to(it, "instanceInitiatedShutdownBehavior", "terminate")
    assert it.page.locator("#f-instanceType").count() == 0, "only while it is stopped"
    ec2.stop_instances(InstanceIds=[instance])
    ec2.get_waiter("instance_stopped").wait(InstanceIds=[instance], WaiterConfig={"Delay": 1})
    it.go(f"/instances/{instance}/settings")
    set_to(it, "instanceType", "c1.medium")
    it.page.fill("[name=data]", f"#!/bin/sh\necho {SCRIPT}\n")
    with it.page.expect_navigation():
        it.page.click("form:has(#f-data) button")
    data = ec2.describe_instance_attribute(InstanceId=instance, Attribute="userData")["UserData"]["Value"]
    assert base64.b64decode(data).decode() == f"#!/bin/sh\necho {SCRIPT}\n"
    assert it.page.input_value("[name=data]") == f"#!/bin/sh\necho {SCRIPT}\n"

    it.page.click(".tabs a:text-is('Metadata')")
    it.page.wait_for_url("**/metadata")
    assert "curl http://169.254.169.254/latest/meta-data/instance-id" in it.page.inner_text(".command")
    it.page.select_option("[name=metadata]", "required")
    it.fill(hops="2")
    it.send()
    assert "X-aws-ec2-metadata-token" in it.page.inner_text(".command")
    options = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["MetadataOptions"]
    assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 2)

    it.page.click(".tabs a:text-is('Events')")
    it.page.wait_for_url("**/events")
    told = it.page.inner_text("tbody")
    for part in ("RunInstances", "StopInstances", "ModifyInstanceAttribute", "console", "owner / admin"):
        assert part in told, (part, told)
    assert "DescribeInstances" not in told
    ec2.terminate_instances(InstanceIds=[instance])
    assert not it.faults


PAGES = {
    "key-pairs": "/key-pairs",
    "key-pair-new": "/key-pairs/new",
    "key-pair-import": "/key-pairs/import",
    "launch-image": "/launch",
    "launch": "/launch?image={image}",
    "instance-list": "/instances",
    "instance-overview": "/instances/{instance}",
    "instance-console": "/instances/{instance}/console",
    "instance-events": "/instances/{instance}/events",
    "instance-metadata": "/instances/{instance}/metadata",
    "instance-settings": "/instances/{instance}/settings",
    "instance-save": "/instances/{instance}/save",
    "instance-question": "/instances/change?do=terminate&id={instance}",
}


@pytest.fixture(scope="module")
def shown(site, owner):
    ec2, _ = owner
    ec2.create_key_pair(KeyName=f"a long name of a key pair that somebody gave {SCRIPT}")
    tags = [{"Key": "Name", "Value": f"Web {SCRIPT}"}, {"Key": "Team", "Value": "blue"}]
    (made,) = ec2.run_instances(
        ImageId=site.bootable(), MinCount=1, MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )["Instances"]
    ec2.get_waiter("instance_running").wait(InstanceIds=[made["InstanceId"]], WaiterConfig={"Delay": 1})
    yield {"image": site.bootable(), "instance": made["InstanceId"]}
    ec2.terminate_instances(InstanceIds=[made["InstanceId"]])


@pytest.mark.parametrize("language, width, scheme", LOOKS)
def test_how_the_pages_look(site, owner, shown, visit, language, width, scheme):
    _, it = at_home(owner, visit, language=language, width=width, scheme=scheme)
    for name, path in PAGES.items():
        looked_at(it, name, path.format(**shown))
