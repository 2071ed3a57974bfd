"""The cloud's own pages: what administrators set, and see happen. A cloud of its own, with two nodes."""

import os
import signal
import tempfile

import botocore.exceptions
import cloud as clouds
import pytest

from conftest import ADMINISTRATOR, Site, Visitor
from looks import LOOKS, looked_at

MB = 1 << 20


class TwoNodes(clouds.Cloud):
    """A cloud with a second node in the same zone."""

    cpus = 4

    def configure(self):
        (port,) = clouds.free_ports(1)
        self.ports["node2_in"] = port
        super().configure()
        etc = self.dir / "etc"
        clc = etc / "clc.toml"
        clc.write_text(
            clc.read_text() + f'[[nodes]]\nname = "node2"\nurl = "http://127.0.0.1:{port}"\nzone = "eucalyptus-1a"\n'
        )
        text = (etc / "node-agent.toml").read_text()
        text = text.replace('"node1"', '"node2"').replace(f"{self.dir}/node", f"{self.dir}/second")
        run_dir = f"{tempfile.gettempdir()}/eucalypt-{os.getpid()}"
        text = text.replace(run_dir, f"{run_dir}-2").replace(str(self.ports["node_in"]), str(port))
        (etc / "node2.toml").write_text(text)

    def raise_all(self):
        super().raise_all()
        self.start("node2")
        self.wait_healthy("node2")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    cloud = TwoNodes(tmp_path_factory.mktemp("cloud"))
    try:
        cloud.raise_all()
        yield Site(cloud)
    finally:
        cloud.stop_all()


@pytest.fixture(scope="module")
def cookies(site, chromium):
    """The session of the administrator, whose cloud is configured."""
    it = Visitor(chromium, site)
    it.sign_in("eucalyptus", site.first_password)
    it.fill(password=ADMINISTRATOR, again=ADMINISTRATOR, email="root@example.com", host="127.0.0.1")
    it.send()
    assert it.page.inner_text("h1") == "Dashboard"
    cookies = it.context.cookies()
    it.context.close()
    return cookies


@pytest.fixture
def administrator(cookies, visit):
    def administrator(**options):
        visitor = visit(**options)
        visitor.context.add_cookies(cookies)
        # What asks before it is done is answered with yes.
        visitor.page.on("dialog", lambda it: it.accept())
        return visitor
    return administrator


@pytest.fixture(scope="module")
def images(site):
    """Two images of 8 MB, both unpacked, and what boots them."""
    site.bootable()
    admin, folder = site.cloud.administrator, site.cloud.dir / "images"
    ids = []
    for name in ("first", "second"):
        file = folder / name
        file.write_bytes(os.urandom(8 * MB))
        manifest, _ = clouds.bundle(admin, file, folder / f"{name}.bundle")
        admin.euca("upload-bundle", "-b", "many", "-m", manifest)
        ids.append(admin.euca("register", f"many/{manifest.name}", "-n", name).split()[1])
    for image in ids:
        clouds.wait_until(lambda: "available" in admin.euca("describe-images", image), f"{image} is available")
    return ids


def cached(page, image):
    return page.locator(f".live tr:has-text('{image}')")


def test_a_lower_limit_evicts_and_the_page_shows_it(site, administrator, images):
    it = administrator()
    page = it.page
    it.go("/cloud/configuration")
    field = page.locator("[name='walrus.storagemaxcachesizeinmb']")
    assert field.input_value() == "30720"
    for image in images:
        cached(page, image).locator("text=ready").wait_for()
    watcher = administrator()
    watcher.go("/cloud/configuration")

    # What is no limit is told beside the field, and nothing is changed.
    field.fill("plenty")
    with page.expect_navigation():
        page.click("#walrus button:text-is('Save')")
    assert "megabytes" in page.inner_text("#walrus .wrong")
    assert field.input_value() == "plenty" and field.get_attribute("aria-invalid") == "true"
    it.faults.clear()

    # There is room for one of the two, and the small images.
    field.fill("12")
    with page.expect_navigation():
        page.click("#walrus button:text-is('Save')")
    assert "Saved" in page.inner_text("#walrus [role=status]")
    assert field.input_value() == "12"
    cached(watcher.page, images[0]).wait_for(state="detached", timeout=15_000)
    cached(watcher.page, images[1]).locator("text=ready").wait_for()
    watcher.page.locator(".live .figures:has-text('of 12.0 MB')").wait_for()

    # And the other goes when it is told to.
    with page.expect_navigation():
        cached(page, images[1]).locator("button").click()
    assert "Evicted: 1 images, 8.0 MB" in page.inner_text("#walrus")
    cached(watcher.page, images[1]).wait_for(state="detached", timeout=15_000)
    field.fill("30720")
    with page.expect_navigation():
        page.click("#walrus button:text-is('Save')")
    assert not it.faults and not watcher.faults


def test_the_default_kernel_is_chosen_and_honoured(site, administrator, images):
    admin, folder = site.cloud.administrator, site.cloud.dir / "images"
    file = folder / "other-kernel"
    file.write_bytes(b"k" * MB)
    manifest, _ = clouds.bundle(admin, file, folder / "other-kernel.bundle", "--kernel", "true")
    admin.euca("upload-bundle", "-b", "boot", "-m", manifest)
    kernel = admin.euca("register", f"boot/{manifest.name}", "-n", "other (kernel)").split()[1]
    it = administrator()
    page = it.page
    it.go("/cloud/configuration")
    page.select_option("[name='cloud.default_kernel']", kernel)
    assert "other (kernel)" in page.inner_text("[name='cloud.default_kernel'] option:checked")
    with page.expect_navigation():
        page.click("#cloud button:text-is('Save')")
    assert page.input_value("[name='cloud.default_kernel']") == kernel
    ec2 = site.ec2(admin)
    (made,) = ec2.run_instances(ImageId=images[0], MinCount=1, MaxCount=1)["Instances"]
    assert made["KernelId"] == kernel
    ec2.terminate_instances(InstanceIds=[made["InstanceId"]])
    assert not it.faults


def test_a_property_is_found_changed_and_reset(site, administrator):
    it = administrator(script=False)
    page = it.page
    it.go("/cloud/properties")
    page.fill("[name=q]", "idle")
    page.click("form.search button")
    page.click("a:has-text('console.session_idle_minutes')")
    page.fill("[name='console.session_idle_minutes']", "0")
    page.click("main form button:text-is('Change')")
    assert "1 to 1440" in page.inner_text(".wrong")
    page.fill("[name='console.session_idle_minutes']", "45")
    page.click("main form button:text-is('Change')")
    assert "Saved" in page.inner_text("[role=status]")
    it.go("/cloud/properties?q=idle")
    assert "45 minutes" in page.inner_text("tbody") and "changed" in page.inner_text("tbody")
    it.go("/cloud/properties/console.session_idle_minutes")
    page.click("button:has-text('Back to the default')")
    assert page.input_value("[name='console.session_idle_minutes']") == "30"


def press(page, selector):
    with page.expect_navigation():
        page.click(selector)


def test_a_node_is_drained_and_used_again(site, administrator, images):
    ec2 = site.ec2(site.cloud.administrator)
    it = administrator()
    page = it.page
    it.go("/cloud/nodes")
    row = page.locator("tr:has-text('node1')")
    row.locator("text=ready").wait_for()
    (kept,) = ec2.run_instances(ImageId=images[0], MinCount=1, MaxCount=1)["Instances"]
    kept = kept["InstanceId"]
    home = clouds.wait_until(lambda: home_of(site, kept), "the instance has a node")
    other = "node2" if home == "node1" else "node1"
    page.locator(f"tr:has-text('{home}') >> text=/^1 of 4/").wait_for(timeout=15_000)
    it.go(f"/cloud/nodes/{home}")
    page.locator(f"a:has-text('{kept}')").wait_for()
    press(page, "button:text-is('Drain')")
    assert "The node drains" in page.inner_text("main")
    page.locator("text=1 instance is still on it").wait_for()

    # New ones go elsewhere, also by a clc that was killed; and when there is no room there, nowhere.
    # (No page is open then: a browser complains of a line that is cut.)
    page.goto("about:blank")
    site.cloud.restart("clc", signal.SIGKILL)
    made = ec2.run_instances(ImageId=images[0], MinCount=4, MaxCount=4)["Instances"]
    made = [it["InstanceId"] for it in made]
    clouds.wait_until(lambda: all(home_of(site, id) == other for id in made), f"all are on {other}")
    with pytest.raises(botocore.exceptions.ClientError, match="InsufficientInstanceCapacity"):
        ec2.run_instances(ImageId=images[0], MinCount=1, MaxCount=1)
    ec2.terminate_instances(InstanceIds=[kept, *made])
    it.go(f"/cloud/nodes/{home}")
    page.locator("text=It is drained").wait_for(timeout=20_000)
    press(page, "button:text-is('Use it again')")
    page.locator("dd .tag:text-is('ready')").wait_for()
    assert not it.faults


def home_of(site, instance):
    """On which node an instance is."""
    lines = site.cloud.administrator.euca("admin", "describe-nodes").splitlines()
    return next((line.split("\t")[1] for line in lines if instance in line), None)


def test_a_lost_node_is_given_up_and_taken_back(site, administrator, images):
    ec2 = site.ec2(site.cloud.administrator)
    made = ec2.run_instances(ImageId=images[0], MinCount=2, MaxCount=2)["Instances"]
    made = [it["InstanceId"] for it in made]
    ec2.get_waiter("instance_running").wait(InstanceIds=made, WaiterConfig={"Delay": 1})
    lost = next(id for id in made if home_of(site, id) == "node2")
    it = administrator(script=False)
    page = it.page
    it.go("/cloud/nodes/node2/give-up")
    assert "The node answers" in page.inner_text("main"), "not while it is there"
    site.cloud.stop("node2", signal.SIGKILL)

    def away():
        it.go("/cloud/nodes/node2")
        return "away" in page.inner_text("dl.facts")

    clouds.wait_until(away, "the node is away", seconds=40)
    page.click("a:has-text('Give it up')")
    assert "cannot be undone" in page.inner_text("main")
    page.fill("[name=typed]", "node1")
    page.click("button:text-is('Give it up')")
    assert "This is not the node" in page.inner_text("[role=alert]")
    page.fill("[name=typed]", "node2")
    page.click("button:text-is('Give it up')")
    assert "The node was given up" in page.inner_text("main")
    state = lambda id: ec2.describe_instances(InstanceIds=[id])["Reservations"][0]["Instances"][0]  # noqa: E731
    clouds.wait_until(lambda: state(lost)["State"]["Name"] == "terminated", "its instance has ended")
    assert state(lost)["StateReason"]["Code"] == "Server.NodeGivenUp"
    (kept,) = [id for id in made if id != lost]
    assert state(kept)["State"]["Name"] == "running"
    it.go("/cloud/nodes/node2")
    assert "given up" in page.inner_text("dl.facts") and not page.locator("button:text-is('Use it again')").count()

    # It comes back with the instance on it, which is ended there.
    site.cloud.start("node2")
    site.cloud.wait_healthy("node2")

    def back():
        it.go("/cloud/nodes/node2")
        return page.locator("button:text-is('Use it again')").count()

    clouds.wait_until(back, "the node is back")

    def used():
        page.click("button:text-is('Use it again')")
        return "ready" in page.inner_text("dl.facts")

    clouds.wait_until(used, "the node is used again, as soon as nothing is left on it")
    ec2.terminate_instances(InstanceIds=made)
    it.faults.clear()


@pytest.mark.parametrize("language, width, scheme", LOOKS)
def test_the_pages_look_well(site, administrator, images, language, width, scheme):
    it = administrator(language=language, width=width, scheme=scheme)
    for name, path in {
        "cloud-configuration": "/cloud/configuration",
        "cloud-nodes": "/cloud/nodes",
        "cloud-node": "/cloud/nodes/node1",
        "cloud-node-give-up": "/cloud/nodes/node2/give-up",
        "cloud-services": "/cloud/services",
        "cloud-types": "/cloud/instance-types",
        "cloud-properties": "/cloud/properties",
        "cloud-property": "/cloud/properties/cloud.default_kernel",
    }.items():
        looked_at(it, name, path)
