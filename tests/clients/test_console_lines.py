"""The lines that the console tells for what was done there: run as they are, by the clients that they are for.

The examples are those that the console's own tests compare with what it makes (tests/data/console-lines.txt);
another test does things at the console and runs what its page shows.
"""

import html
import http.cookiejar
import json
import os
import pathlib
import re
import ssl
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

import boto3
import pytest

import cloud as clouds

TABLE = clouds.ROOT / "tests/data/console-lines.txt"
OWN = "batterie Klammer 2"
# What a line may meet whose work the line of another client has done before it.
DONE = (
    "Duplicate", "AlreadyExists", "LimitExceeded", "NotFound", "NoSuch", "IncorrectState", "IncorrectInstanceState",
    "Unavailable", "OperationNotPermitted", "DeleteConflict", "BucketAlreadyOwnedByYou",
    "BucketNotEmpty", "BundlingInProgress", "InvalidAuthenticationCode", "does not exist", "is unknown",
    "exists already", "already exists", "there is no user", "There is no", "MalformedCertificate", "is no such",
)
# What says that the line itself is wrong; boto3 tells a refusal by a traceback that ends with it.
WRONG = re.compile(
    r"Parameter validation|Unknown (options|parameter)|usage:|SyntaxError|Invalid(Parameter|Action)|MissingParameter"
    r"|TypeError|has no attribute|Traceback(?!.*An error occurred)",
    re.S,
)


def blocks():
    for block in TABLE.read_text().split("\n\n"):
        head, *lines = block.strip().splitlines()
        if not head.startswith("#"):
            told = [line.split(" ", 1) for line in lines]
            yield head.split(" ", 1)[0], {at: line.replace("\u23ce", "\n") for at, line in told}


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """A folder with euca under all its names, and aws."""
    folder = tmp_path_factory.mktemp("programs")
    clouds.run([clouds.BIN / "euca", "install-links", folder])
    (folder / "aws").symlink_to(pathlib.Path(sys.executable).parent / "aws")
    (folder / "python").symlink_to(sys.executable)
    return folder


def runner(credentials, programs, folder):
    """Runs a line of a client in a shell that has read eucarc, and gives its status and all that it said."""
    secrets = {
        "PASSWORD": OWN, "USER_DATA": "#!/bin/sh", "USER_DATA_BASE64": "IyEvYmluL3No", "FIRST_CODE": "123456",
        "SECOND_CODE": "654321",
    }
    env = {**credentials.env, **secrets, "PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(folder)}

    def run(client, line):
        command = ["bash", "-c", line]
        if client == "boto3":
            command = [sys.executable, "-c", f"import os\nimport boto3\n{line}"]
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout + done.stderr

    return run


def test_clients_take_the_lines_as_they_are(changed, programs, disk, tmp_path):
    cloud, user = changed, changed.add_user("taro.yamada")
    own, admin = runner(user, programs, tmp_path), runner(cloud.administrator, programs, tmp_path)
    manifest, _ = clouds.bundle(user, disk, tmp_path / "boot")
    user.euca("upload-bundle", "-b", "lines", "-m", manifest)
    image = user.euca("register", f"lines/{manifest.name}", "-n", "lines").split()[1]
    clouds.wait_until(lambda: "\tavailable\t" in user.euca("describe-images", image), "the image is there")
    ec2 = boto3.client(
        "ec2", endpoint_url=user["EC2_URL"], region_name="eucalyptus",
        aws_access_key_id=user["EC2_ACCESS_KEY"], aws_secret_access_key=user["EC2_SECRET_KEY"],
    )
    known = {
        "emi-0123abcd": image, "000000000001": user["EC2_USER_ID"], "boot/disk.manifest.xml": f"lines/{manifest.name}",
    }
    by_name = {}
    seen = set()
    for name, lines in blocks():
        service, action = name.split(":")
        by = admin if service == "eucalypt" or "Account" in action else own
        good = 0
        for client, line in lines.items():
            for example, real in known.items():
                line = line.replace(example, real)
            status, said = by(client, line)
            seen.add(client)
            # What was said wrongly is told so by the client itself, or as a parameter.
            wrong = WRONG.search(said)
            told = any(code in said for code in DONE)
            assert status == 0 or (told and not wrong), f"{name}, {client}: {line}\n{said}"
            good += status == 0
            if action == "RunInstances" and status == 0:
                # What they make goes by the examples' names from here on.
                made = [it["InstanceId"] for it in instances(ec2)]
                known["i-0123abcd"], known["i-4567cdef"] = made[0], made[-1]
                running(ec2, made)
            if action in ("StartInstances", "StopInstances") and status == 0:
                running(ec2, [known["i-0123abcd"]], "stopped" if action == "StopInstances" else "running")
            if action == "CreateTags":
                tags = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [known["i-0123abcd"]]}])["Tags"]
                by_name.setdefault(json.dumps(tags, sort_keys=True), []).append(client)
                ec2.delete_tags(Resources=[known["i-0123abcd"]])
        assert good or action in ("EnableMFADevice", "DeregisterImage") or "AKI0123" in str(lines) or "0123456789ABC" in str(lines) or "MFA" in action or "CERT" in str(lines), f"no line of {name} did it: {lines}"
    # However a client is told of tags, they are the same.
    assert len(by_name) == 1, by_name
    assert seen == {"euca", "aws", "boto3"}


def instances(ec2):
    all_of_them = [it for one in ec2.describe_instances()["Reservations"] for it in one["Instances"]]
    return [it for it in all_of_them if it["State"]["Name"] in ("pending", "running")]


def running(ec2, ids, state="running"):
    ec2.get_waiter(f"instance_{state}").wait(InstanceIds=ids, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


class Page:
    """The console, as somebody without a script uses it."""

    def __init__(self, cloud):
        self.url = f"https://127.0.0.1:{cloud.ports['console']}"
        context = ssl.create_default_context(cafile=str(cloud.dir / "clc/console/console.pem"))
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context), urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        )

    def get(self, path):
        return self.opener.open(self.url + path, timeout=30).read().decode()

    def send(self, page, action, **fields):
        token = re.search(r'name="token_of_form" value="([^"]+)"', self.get(page))[1]
        data = urllib.parse.urlencode({**fields, "token_of_form": token}).encode()
        return self.opener.open(self.url + action, data=data, timeout=30).read().decode()

    def lines(self):
        """What stands on the page of lines: action, client, line."""
        found, action = [], ""
        for match in re.finditer(
            r"<h2>(\w+) <span|<pre[^>]*data-line=\"(\w+)\"[^>]*>(.*?)</pre>", self.get("/lines"), re.S
        ):
            action = match[1] or action
            if match[2]:
                found.append((action, match[2], html.unescape(match[3])))
        return found


def test_what_was_done_at_the_console_is_done_again_by_its_lines(changed, programs, tmp_path):
    cloud = changed
    credentials = cloud.add_user("lines")
    config = cloud.dir / "etc/clc.toml"
    (tmp_path / "password").write_text("korrekt Pferd 1\n")
    clouds.run([
        clouds.BIN / "clc", "admin", "set-password", "lines", "--password-file", tmp_path / "password", "--config", config,
    ])
    page = Page(cloud)
    page.send("/sign-in", "/sign-in", account="lines", password="korrekt Pferd 1")
    page.send("/password/new", "/password/new", password=OWN, again=OWN)
    assert not page.lines()
    made = page.send("/access-keys", "/access-keys/create")
    (key,) = set(re.findall(r"<dt>Access key</dt><dd><code>(\w+)", made))
    (secret,) = re.findall(r"<dt>Secret key</dt><dd><code>([^<]+)", made)
    page.send("/access-keys", "/access-keys/status", id=key, status="Inactive")
    page.send("/access-keys", "/access-keys/status", id=key, status="Active")
    page.send("/certificates", "/certificates/create")
    shown = page.send("/access-keys", "/access-keys/delete", id=key)
    assert "As a command" in shown and f"euare-userdelkey {key}" in shown
    lines = page.lines()
    assert secret not in page.get("/lines")
    assert [action for action, client, _ in lines if client == "euca"] == [
        "DeleteAccessKey", "CreateSigningCertificate", "UpdateAccessKey", "UpdateAccessKey", "CreateAccessKey",
    ]
    run = runner(credentials, programs, tmp_path)
    for action, client, line in lines:
        status, said = run(client, line)
        assert status == 0 or "NoSuchEntity" in said or "LimitExceeded" in said, f"{action}, {client}: {line}\n{said}"
