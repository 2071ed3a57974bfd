"""A whole cloud and a real browser: Debian's chromium, driven by playwright.

Screenshots of every page go to target/screenshots. What each page costs is printed when all is done.
Where several parts of the tests run beside each other, EUCALYPT_PART names each; the part that looks back comes last.
"""

import contextlib
import email
import email.policy
import pathlib
import shutil
import sys

import boto3
import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "clients"))

import cloud as clouds  # noqa: E402 (it needs the path above)
import table  # noqa: E402 (it needs the path above)

SCREENSHOTS = clouds.BIN.parent / "screenshots"
COSTS, NOTES = table.COSTS, table.NOTES
# What an administrator sets in the first-time configuration, and users for themselves.
ADMINISTRATOR = "batterie Klammer 2"
OWN = "korrekt Pferd 1"


def pytest_collection_modifyitems(config, items):
    """What looks back at all tests runs last, and not after some of them."""
    files = {item.path.name for item in items}
    all_files = {path.name for path in pathlib.Path(__file__).parent.glob("test_*.py")}
    last = [item for item in items if item.path.name == "test_table.py"]
    items[:] = [item for item in items if item not in last]
    if files == all_files or table.PART:
        items += last
    else:
        config.hook.pytest_deselected(items=last)


def pytest_sessionfinish():
    if table.PART not in (None, "last") and SCREENSHOTS.exists():
        table.keep(SCREENSHOTS)


def pytest_terminal_summary(terminalreporter):
    if COSTS and table.PART in (None, "last"):
        terminalreporter.section("pages")
        terminalreporter.write_line("| page | server, ms: quickest, slowest | with all it loads, KiB |")
        terminalreporter.write_line("|---|---|---|")
        for page, (quickest, slowest, size) in sorted(COSTS.items()):
            terminalreporter.write_line(f"| {page} | {quickest:.0f}, {slowest:.0f} | {size / 1024:.1f} |")
        for note in NOTES:
            terminalreporter.write_line(note)


class Keeper:
    """Keeps each mail."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append((envelope.rcpt_tos[0], mail.get_content()))
        return "250 taken"

    def link(self, address, page, whose=""):
        """The link to that page in the last mail to somebody, once it has come; about somebody, if they get several."""
        wanted = f"/{page}#{whose}"

        def last():
            texts = [text for to, text in self.mails if to == address and wanted in text]
            return texts and next(word for word in texts[-1].split() if wanted in word)
        return clouds.wait_until(last, f"a mail to {address} with a link to {wanted}")


@pytest.fixture(scope="session")
def post():
    keeper = Keeper()
    (keeper.port,) = clouds.free_ports(1)
    controller = Controller(keeper, hostname="127.0.0.1", port=keeper.port)
    controller.start()
    yield keeper
    controller.stop()


class Site:
    """The cloud, its console, and who can sign in there."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.url = f"https://127.0.0.1:{cloud.ports['console']}"
        self.image = None

    def admin(self, *words):
        config = self.cloud.dir / "etc/clc.toml"
        return clouds.run([clouds.BIN / "clc", "admin", *words, "--config", config])

    @property
    def first_password(self):
        return (self.cloud.dir / "admin/console-password").read_text().strip()

    def add(self, name):
        """Registers a user with a first password."""
        file = self.cloud.dir / f"{name}.password"
        file.touch(mode=0o600)
        file.write_text("erstes Kennwort 0\n")
        folder = self.cloud.dir / "users" / name
        self.admin("add-user", name, "--dir", folder, "--password-file", file)
        return clouds.Credentials(folder), "erstes Kennwort 0"

    def ec2(self, user):
        return boto3.client(
            "ec2", endpoint_url=user["EC2_URL"], region_name="eucalyptus",
            aws_access_key_id=user["EC2_ACCESS_KEY"], aws_secret_access_key=user["EC2_SECRET_KEY"],
        )

    def bootable(self):
        """An image that everybody may run."""
        if self.image:
            return self.image
        admin, folder = self.cloud.administrator, self.cloud.dir / "images"
        ids = []
        for kind, options in (("kernel", ["--kernel", "true"]), ("ramdisk", ["--ramdisk", "true"]), ("disk", [])):
            file = folder / kind
            folder.mkdir(exist_ok=True)
            file.write_bytes(b"\0" * (1 << 20))
            manifest, _ = clouds.bundle(admin, file, folder / f"{kind}.bundle", *options)
            admin.euca("upload-bundle", "-b", "boot", "-m", manifest)
            ids.append(admin.euca("register", f"boot/{manifest.name}", "-n", kind).split()[1])
        self.image = ids[2]
        admin.euca("modify-image-attribute", self.image, "-l", "-a", "all")
        return self.image


@pytest.fixture(scope="session")
def site(post, tmp_path_factory):
    cloud = clouds.Cloud(tmp_path_factory.mktemp("site"))
    config = cloud.dir / "etc/clc.toml"
    config.write_text(
        config.read_text()
        + f'[mail]\nserver = "127.0.0.1"\nport = {post.port}\nsecurity = "none"\nfrom = "cloud@example.com"\n'
    )
    config.write_text(
        config.read_text().replace("console_listen", f'console_url = "https://127.0.0.1:{cloud.ports["console"]}"\nconsole_listen')
    )
    try:
        cloud.raise_all()
        yield Site(cloud)
    finally:
        cloud.stop_all()


@pytest.fixture(scope="session")
def chromium():
    if not table.PART:
        shutil.rmtree(SCREENSHOTS, ignore_errors=True)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


class Visitor:
    """Somebody at a browser of their own. What its console complains of is a failure."""

    def __init__(self, chromium, site, language="en", width=1280, scheme="light", script=True):
        self.context = chromium.new_context(
            base_url=site.url, ignore_https_errors=True, locale=language, color_scheme=scheme,
            viewport={"width": width, "height": 800}, java_script_enabled=script,
        )
        self.site, self.language, self.width, self.scheme = site, language, width, scheme
        self.page = self.context.new_page()
        self.faults, self.loaded = [], []
        self.page.on("console", lambda it: it.type == "error" and self.faults.append(it.text))
        self.page.on("pageerror", lambda it: self.faults.append(str(it)))
        self.page.on("response", lambda it: self.loaded.append(it))

    def go(self, path):
        self.loaded.clear()
        return self.page.goto(path)

    def fill(self, **fields):
        for name, value in fields.items():
            self.page.fill(f"[name={name}]", value)

    def send(self):
        with self.page.expect_navigation():
            self.page.click("main form button[type=submit]")

    def sign_in(self, account, password):
        self.go("/sign-in")
        self.fill(account=account, password=password)
        self.send()

    def enter(self, account, first, own=OWN):
        """Signs in with a first password and sets one of one's own."""
        self.sign_in(account, first)
        assert self.page.url.endswith("/password/new"), self.page.url
        self.fill(password=own, again=own)
        self.send()
        assert self.page.url == f"{self.site.url}/", self.page.url


@pytest.fixture
def visit(chromium, site):
    """Opens browsers, and closes them after the test."""
    with contextlib.ExitStack() as stack:
        def visit(**options):
            visitor = Visitor(chromium, site, **options)
            stack.callback(visitor.context.close)
            return visitor
        yield visit
