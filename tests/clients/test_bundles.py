"""Bundles that euca makes are read by everybody: boto3 finds what it uploads, openssl and tar unpack what it
downloads, and what boto3 uploads it downloads, checks and unpacks."""

import hashlib
import re
import subprocess
import xml.etree.ElementTree as ET

import pytest

import cloud as clouds
from test_boto3 import client


@pytest.fixture(scope="module")
def uploaded(cloud, user, disk, tmp_path_factory):
    """A bundle in files and in a bucket."""
    folder = tmp_path_factory.mktemp("bundle")
    manifest, parts = clouds.bundle(user, disk, folder, "-p", "disk", "--part-size", str(3 << 20))
    printed = user.euca("upload-bundle", "-b", "bundles/of euca", "-m", manifest, "--jobs", "3")
    assert printed == "Uploaded bundles/of euca/disk.manifest.xml\n"
    return manifest, parts


def plain(credentials, manifest, parts, image):
    """Unpacks a bundle with nothing but openssl, gunzip and tar."""
    tree = ET.parse(manifest)
    key = credentials["EC2_PRIVATE_KEY"]

    def opened(field):
        sealed = bytes.fromhex(tree.findtext(f"image/{field}"))
        done = subprocess.run(
            ["openssl", "pkeyutl", "-decrypt", "-inkey", key], input=sealed, capture_output=True, check=True,
        )
        return done.stdout.decode()

    digests = [element.text for element in tree.findall("image/parts/part/digest")]
    assert digests == [hashlib.sha1(part.read_bytes()).hexdigest() for part in parts]
    pipe = (
        f'cat "$@" | openssl enc -d -aes-128-cbc -K {opened("user_encrypted_key")} -iv {opened("user_encrypted_iv")}'
        f' | gunzip | tar xOf - > "{image}"'
    )
    subprocess.run(["bash", "-euo", "pipefail", "-c", pipe, "bash", *parts], check=True)


def test_boto3_finds_what_euca_uploads(cloud, user, uploaded):
    manifest, parts = uploaded
    s3 = client("s3", user)
    listed = s3.list_objects_v2(Bucket="bundles")["Contents"]
    assert sorted(o["Key"] for o in listed) == sorted(f"of euca/{p.name}" for p in [manifest, *parts])
    for file in [manifest, *parts]:
        key = f"of euca/{file.name}"
        assert s3.get_object(Bucket="bundles", Key=key)["Body"].read() == file.read_bytes()
        grants = s3.get_object_acl(Bucket="bundles", Key=key)["Grants"]
        assert len(grants) == 2, "the owner, and whoever unbundles"


@pytest.mark.parametrize("acl, readable", [("public-read", True), ("aws-exec-read", False)])
def test_the_acl_is_the_one_that_was_asked_for(cloud, user, uploaded, acl, readable):
    manifest, parts = uploaded
    user.euca("upload-bundle", "-b", "bundles/again", "-m", manifest, "--acl", "ec2-bundle-read")
    user.euca("upload-bundle", "-b", "bundles/again", "-m", manifest, "--acl", acl)
    url = f"{user['S3_URL'].rstrip('/')}/bundles/again/{parts[0].name}"
    status = subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", url], capture_output=True, text=True, check=True,
    ).stdout
    assert status == ("200" if readable else "403")


def test_the_plain_recipe_unpacks_what_euca_downloads(cloud, user, uploaded, disk, tmp_path):
    manifest, parts = uploaded
    to = tmp_path / "down"
    to.mkdir()
    user.euca("download-bundle", "-b", "bundles/of euca", "-p", "disk", "-d", to)
    assert sorted(p.name for p in to.iterdir()) == sorted(p.name for p in [manifest, *parts])
    plain(user, to / manifest.name, [to / part.name for part in parts], tmp_path / "image")
    assert (tmp_path / "image").read_bytes() == disk.read_bytes()


def test_euca_streams_into_a_bucket_what_the_plain_recipe_unpacks(cloud, user, disk, tmp_path):
    user.euca(
        "bundle-and-upload-image", "-i", disk, "-r", "x86_64", "-b", "streamed", "--part-size", str(1 << 20),
        "--max-pending-parts", "2",
    )
    s3 = client("s3", user)
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket="streamed")["Contents"]]
    for key in keys:
        s3.download_file("streamed", key, str(tmp_path / key))
    parts = sorted(tmp_path.glob("*.part.*"), key=lambda path: int(path.suffix[1:]))
    plain(user, tmp_path / "disk.img.manifest.xml", parts, tmp_path / "image")
    assert (tmp_path / "image").read_bytes() == disk.read_bytes()
    user.euca("delete-bundle", "-b", "streamed", "-p", "disk.img", "--clear")
    assert "streamed" not in [b["Name"] for b in s3.list_buckets()["Buckets"]]


def test_euca_reads_and_checks_what_boto3_uploads(cloud, user, uploaded, disk, tmp_path):
    manifest, parts = uploaded
    s3 = client("s3", user)
    s3.create_bucket(Bucket="by-boto3")
    for file in [manifest, *parts]:
        s3.upload_file(str(file), "by-boto3", f"a/{file.name}")
    printed = user.euca("check-bundle", "-b", "by-boto3/a", "-m", manifest.name)
    assert re.search(r"^IMAGE\tvalid\t", printed, re.M), printed
    assert user.euca("download-and-unbundle", "-b", "by-boto3/a", "-p", "disk", "-d", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == disk.read_bytes()
    # Only what is missing is sent; what boto3 has put there in one request counts.
    s3.delete_object(Bucket="by-boto3", Key=f"a/{parts[1].name}")
    before = {o["Key"]: o["LastModified"] for o in s3.list_objects_v2(Bucket="by-boto3")["Contents"]}
    user.euca("upload-bundle", "-b", "by-boto3/a", "-m", manifest)
    after = {o["Key"]: o["LastModified"] for o in s3.list_objects_v2(Bucket="by-boto3")["Contents"]}
    assert {key for key in after if after[key] != before.get(key)} == {f"a/{parts[1].name}"}


def test_a_stream_of_parts_is_unpacked_by_euca(cloud, user, disk, tmp_path):
    key, iv = "000102030405060708090a0b0c0d0e0f", "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
    _, parts = clouds.bundle(user, disk, tmp_path / "b", "--enc-key", key, "--enc-iv", iv, "--part-size", "5000000")
    with open(tmp_path / "image", "wb") as image:
        cat = subprocess.Popen(["cat", *parts], stdout=subprocess.PIPE)
        command = [clouds.BIN / "euca", "unbundle-stream", "--enc-key", key, "--enc-iv", iv]
        subprocess.run(command, stdin=cat.stdout, stdout=image, check=True, env={}, timeout=120)
        assert cat.wait() == 0
    assert (tmp_path / "image").read_bytes() == disk.read_bytes()


def test_completions_complete_and_pages_are_pages(tmp_path):
    links, share = tmp_path / "bin", tmp_path / "share"
    links.mkdir()
    clouds.run([clouds.BIN / "euca", "install-links", links, "--share", share])
    names = [link.name for link in links.iterdir()]
    assert "euca-bundle-image" in names
    for name in [*names, "euca"]:
        script = share / "bash-completion/completions" / name
        subprocess.run(["bash", "-n", script], check=True)
        assert (share / "zsh/site-functions" / f"_{name}").read_text().startswith(f"#compdef {name}\n")
        assert name in (share / "fish/vendor_completions.d" / f"{name}.fish").read_text()
        page = (share / "man/man1" / f"{name}.1").read_text()
        assert page.startswith(".so man1/") or ".SH NAME" in page
    script = share / "bash-completion/completions/euca-bundle-image"
    tried = (
        f'. "{script}"; read -r _ _ _ _ _ _ _ _ f _ <<<"$(complete -p euca-bundle-image)"; '
        'f=$(complete -p euca-bundle-image | sed "s/.*-F //; s/ .*//"); '
        "COMP_WORDS=(euca-bundle-image --image-t); COMP_CWORD=1; "
        '"$f" euca-bundle-image --image-t euca-bundle-image; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    found = subprocess.run(["bash", "-c", tried], capture_output=True, text=True, check=True).stdout
    assert found.split() == ["--image-type"]
    clouds.run([clouds.BIN / "euca", "install-links", links, "--share", share, "--remove"])
    assert not list(links.iterdir()) and not [p for p in share.rglob("*") if p.is_file()]
