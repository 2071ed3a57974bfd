"""A user registers from beginning to end: a real SMTP server, openssl, boto with the zip's own eucarc."""

import base64
import email
import email.policy
import io
import re
import ssl
import subprocess
import zipfile

import boto3
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

import cloud as clouds
import peer

PASSWORD = "korrekt Pferd 1"
HERE = "192.0.2.7"


class Keeper:
    """Keeps each mail with how it came."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        by_tls = server.transport.get_extra_info("ssl_object") is not None
        self.mails.append((envelope.rcpt_tos, mail, by_tls, session.authenticated))
        return "250 taken"

    def to(self, address):
        return [mail for to, mail, _, _ in self.mails if to == [address]]


def authenticate(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"cloud", b"mail secret")
    return AuthResult(success=good)


@pytest.fixture(scope="module", params=["starttls", "tls"])
def post(request):
    """A mail server that takes nothing without TLS and a password."""
    keeper = Keeper()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(clouds.TLS / "server.pem", clouds.TLS / "server-key.pem")
    (port,) = clouds.free_ports(1)
    kind = {"ssl_context": context} if request.param == "tls" else {"tls_context": context, "require_starttls": True}
    controller = Controller(
        keeper, hostname="127.0.0.1", port=port, authenticator=authenticate, auth_required=True,
        auth_require_tls=request.param == "starttls", **kind,
    )
    controller.start()
    keeper.port, keeper.security = port, request.param
    try:
        yield keeper
    finally:
        controller.stop()


@pytest.fixture(scope="module")
def mailing(post, tmp_path_factory):
    """A cloud that sends mails."""
    cloud = clouds.Cloud(tmp_path_factory.mktemp(post.security))
    password = cloud.dir / "etc/mail.password"
    password.touch(mode=0o600)
    password.write_text("mail secret\n")
    config = cloud.dir / "etc/clc.toml"
    config.write_text(config.read_text() + (
        f'[mail]\nserver = "127.0.0.1"\nport = {post.port}\nsecurity = "{post.security}"\n'
        f'ca_file = "{clouds.TLS}/ca.pem"\nuser = "cloud"\npassword_file = "{password}"\nfrom = "cloud@example.com"\n'
    ))
    try:
        cloud.raise_all()
        admin(cloud, "modify-property", "-p", "people.signup_address=root@example.com")
        yield cloud
    finally:
        cloud.stop_all()


def admin(cloud, *words):
    return clouds.run([clouds.BIN / "clc", "admin", *words, "--config", cloud.dir / "etc/clc.toml"])


def people(cloud, message, **fields):
    return peer.call(cloud, "people", message, **fields)


def apply(cloud, name, **contact):
    contact = {"email": f"{name}@example.com", **contact}
    people(cloud, "Apply", name=name, contact=contact, password=PASSWORD, address=HERE)


def mail_to(post, address, count=1):
    mails = clouds.wait_until(
        lambda: len(post.to(address)) >= count and post.to(address), f"a mail to {address}",
        seen=lambda: [to for to, *_ in post.mails],
    )
    return mails[count - 1]


def token(mail, page, name):
    found = re.search(rf"https://127\.0\.0\.1:8443/{page}#{name}/([A-Za-z0-9_-]{{43}})\s", mail.get_content())
    assert found, mail.get_content()
    return found[1]


def log_in(cloud, name, password, **more):
    return people(cloud, "LogIn", account=name, password=password, address=HERE, **more)


def test_a_user_registers(mailing, post, tmp_path):
    apply(mailing, "hanako", full_name="山田 花子", project_description="one\n\nTo reject: https://evil/\n")
    told = mail_to(post, "root@example.com")
    assert told["Subject"] == "New application (hanako@example.com)"
    assert told["From"] == "cloud@example.com" and told["Auto-Submitted"] == "auto-generated"
    text = told.get_content()
    assert "山田 花子" in text and "    | To reject: https://evil/" in text
    assert "https://127.0.0.1:8443/approve#hanako" in text
    assert all(by_tls and known for _, _, by_tls, known in post.mails)
    assert "\tapplied\thanako@example.com" in admin(mailing, "describe-users")

    with pytest.raises(peer.Refused, match="has not been approved"):
        log_in(mailing, "hanako", PASSWORD)
    admin(mailing, "approve", "hanako")
    link = token(mail_to(post, "hanako@example.com"), "confirm", "hanako")
    with pytest.raises(peer.Refused, match="is not confirmed"):
        log_in(mailing, "hanako", PASSWORD)
    people(mailing, "Confirm", name="hanako", token=link, address=HERE)
    with pytest.raises(peer.Refused, match="InvalidToken"):
        people(mailing, "Confirm", name="hanako", token=link, address=HERE)
    person = log_in(mailing, "hanako", PASSWORD)["in"]
    assert (person["alias"], person["user"], person["administrator"]) == ("hanako", "admin", False)

    by = {field: person[field] for field in ("account", "user", "password_set")}
    before = {**by, "password_set": by["password_set"] - 1}
    with pytest.raises(peer.Refused, match="AccessDenied"):
        people(mailing, "GetZip", name="hanako", by=before, address=HERE)

    # Each zip is whole and leaves those before it good.
    users = []
    for number in range(3):
        made = people(mailing, "GetZip", name="hanako", by=by, address=HERE)
        assert made["file_name"] == "euca2-hanako-x509.zip"
        folder = tmp_path / str(number)
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(made["base64"]))) as archive:
            assert archive.testzip() is None
            archive.extractall(folder)
            secret = [i.filename for i in archive.infolist() if i.external_attr >> 16 == 0o100600]
        assert {"eucarc", "euca2ools.ini"} <= set(secret) and any(name.endswith("-pk.pem") for name in secret)
        users.append(clouds.Credentials(folder))
    for user in users:
        check_certificates(user)
        ec2 = boto3.client("ec2", region_name="eucalyptus", endpoint_url=user["EC2_URL"],
                           aws_access_key_id=user["EC2_ACCESS_KEY"], aws_secret_access_key=user["EC2_SECRET_KEY"])
        assert ec2.describe_regions()["Regions"][0]["RegionName"] == "eucalyptus"
        assert user["EUCA_KEY_DIR"] == str(user.folder.resolve())
        assert user.euca("describe-regions").startswith("REGION\teucalyptus\t")
    image = tmp_path / "image"
    image.write_bytes(b"x" * 100000)
    manifest, _ = clouds.bundle(users[0], image, tmp_path / "bundled")
    users[1].euca("upload-bundle", "-b", f"hanako-{post.security}", "-m", manifest)

    keys = people(mailing, "GetZip", name="hanako", kind="keys", by=by, address=HERE)
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(keys["base64"]))) as archive:
        assert sorted(archive.namelist()) == ["euca2ools.ini", "eucarc"]
        archive.extractall(tmp_path / "keys")
    assert clouds.Credentials(tmp_path / "keys").euca("describe-regions").startswith("REGION\t")


def check_certificates(user):
    """openssl: the key is the certificate's, the certificate is signed, and says whose it is."""
    def openssl(*words):
        return subprocess.run(["openssl", *words], check=True, capture_output=True, text=True).stdout

    certificate, key = user["EC2_CERT"], user["EC2_PRIVATE_KEY"]
    assert openssl("x509", "-in", certificate, "-noout", "-pubkey") == openssl("rsa", "-in", key, "-pubout")
    assert "OK" in openssl("verify", "-CAfile", certificate, certificate)
    assert "hanako" in openssl("x509", "-in", certificate, "-noout", "-subject")
    assert "OK" in openssl("verify", "-CAfile", user["EUCALYPTUS_CERT"], user["EUCALYPTUS_CERT"])


def test_whoever_is_rejected_leaves_nothing(mailing, post):
    apply(mailing, "goro")
    mail_to(post, "root@example.com", 2)
    admin(mailing, "reject", "goro")
    assert "turned down" in mail_to(post, "goro@example.com").get_content()
    assert "goro" not in admin(mailing, "describe-users")


def test_a_password_is_recovered_by_mail_in_japanese(mailing, post):
    before = len(post.mails)
    for name in ("nobody", "hanako"):
        people(mailing, "RequestRecovery", name=name, language="ja", address=HERE)
    mail = mail_to(post, "hanako@example.com", 2)
    assert "パスワード" in mail["Subject"] and len(post.mails) == before + 1
    link = token(mail, "recover", "hanako")
    with pytest.raises(peer.Refused, match="InvalidToken"):
        people(mailing, "Recover", name="goro", token=link, password="quite other words", address=HERE)
    people(mailing, "Recover", name="hanako", token=link, password="quite other words", address=HERE)
    with pytest.raises(peer.Refused, match="is wrong"):
        log_in(mailing, "hanako", PASSWORD)
    assert "in" in log_in(mailing, "hanako", "quite other words")


def test_the_mail_servers_password_is_told_to_nobody(mailing):
    assert "mail secret" not in (mailing.dir / "clc.log").read_text()
    printed = clouds.run([clouds.BIN / "clc", "--print-config", "--config", mailing.dir / "etc/clc.toml"])
    assert "mail secret" not in printed and "password_file" in printed
