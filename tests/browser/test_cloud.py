"""The cloud's own pages: what administrators set, and see happen. A cloud of its own, with two nodes."""

import itertools
import os
import tempfile

import cloud as clouds
import pytest

from conftest import ADMINISTRATOR, Site, Visitor
from looks import looked_at

LOOKS = list(itertools.product(("en", "ja"), (360, 1280), ("light", "dark")))
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


@pytest.mark.parametrize("language, width, scheme", LOOKS)
def test_the_pages_look_well(site, administrator, images, language, width, scheme):
    it = administrator(language=language, width=width, scheme=scheme)
    for name, path in {
        "cloud-configuration": "/cloud/configuration",
        "cloud-properties": "/cloud/properties",
        "cloud-property": "/cloud/properties/cloud.default_kernel",
    }.items():
        looked_at(it, name, path)
