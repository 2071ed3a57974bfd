"""Both APIs by https and by http at once: boto, boto3, awscli and euca, with the authority's file."""

import ssl
import subprocess
import urllib.error
import urllib.request

import boto.ec2.connection
import boto.ec2.regioninfo
import boto.s3.connection
import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import SSLError

import cloud as clouds

CA = str(clouds.TLS / "ca.pem")


def client(service, credentials, url, **more):
    # Without a body's checksum: that is another test's.
    config = Config(
        retries={"max_attempts": 1}, s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
    )
    return boto3.client(
        service, region_name="eucalyptus", endpoint_url=url, config=config,
        aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"], **more,
    )


def test_users_are_told_of_https(https, https_user):
    port = https.ports["clc_tls"]
    assert https_user["EC2_URL"] == f"https://127.0.0.1:{port}/services/Eucalyptus"
    assert https_user["TOKEN_URL"] == f"https://127.0.0.1:{port}/services/Tokens"
    assert https_user["S3_URL"] == f"https://127.0.0.1:{https.ports['walrus_tls']}/services/Walrus"
    assert open(https_user["AWS_CA_BUNDLE"]).read() == open(CA).read()
    ec2 = client("ec2", https_user, https_user["EC2_URL"], verify=CA)
    assert ec2.describe_regions()["Regions"][0]["Endpoint"] == https_user["EC2_URL"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_boto3(https, https_user, scheme):
    ports = https.ports
    clc, walrus = (ports["clc_tls"], ports["walrus_tls"]) if scheme == "https" else (ports["clc"], ports["walrus"])
    ec2 = client("ec2", https_user, f"{scheme}://127.0.0.1:{clc}/services/Eucalyptus", verify=CA)
    pair = ec2.create_key_pair(KeyName=f"by {scheme}")
    assert pair["KeyName"] in [k["KeyName"] for k in ec2.describe_key_pairs()["KeyPairs"]]
    sts = client("sts", https_user, f"{scheme}://127.0.0.1:{clc}", verify=CA)
    identity = sts.get_caller_identity()
    assert identity["Account"] == https_user["EC2_USER_ID"]
    assert identity["Arn"].endswith(":user/admin")
    s3 = client("s3", https_user, f"{scheme}://127.0.0.1:{walrus}/services/Walrus", verify=CA)
    s3.create_bucket(Bucket=f"boto3-{scheme}")
    body = bytes(range(256)) * 20_000
    s3.put_object(Bucket=f"boto3-{scheme}", Key="k", Body=body)
    assert s3.get_object(Bucket=f"boto3-{scheme}", Key="k")["Body"].read() == body
    names = {"Bucket": f"boto3-{scheme}", "Key": "in parts"}
    names["UploadId"] = s3.create_multipart_upload(**names)["UploadId"]
    part = {"PartNumber": 1, "ETag": s3.upload_part(**names, PartNumber=1, Body=b"part")["ETag"]}
    done = s3.complete_multipart_upload(**names, MultipartUpload={"Parts": [part]})
    assert done["Location"] == f"{scheme}://127.0.0.1:{walrus}/boto3-{scheme}/in%20parts"
    url = s3.generate_presigned_url("get_object", Params={"Bucket": f"boto3-{scheme}", "Key": "k"})
    assert requests.get(url, verify=CA).content == body


def test_boto(https, https_user, monkeypatch):
    # boto looks for authorities in its own configuration only, and knows no addresses in certificates.
    real = boto.config.get_value
    told = {("Boto", "ca_certificates_file"): CA}
    monkeypatch.setattr(
        boto.config, "get_value", lambda section, name, *rest: told.get((section, name)) or real(section, name, *rest)
    )
    keys = (https_user["AWS_ACCESS_KEY_ID"], https_user["AWS_SECRET_ACCESS_KEY"])
    s3 = boto.s3.connection.S3Connection(
        *keys, is_secure=True, host="localhost", port=https.ports["walrus_tls"], path="/services/Walrus",
        calling_format=boto.s3.connection.OrdinaryCallingFormat(),
        validate_certs=True,
    )
    bucket = s3.create_bucket("boto-https")
    bucket.new_key("a b").set_contents_from_string("hello")
    assert bucket.get_key("a b").get_contents_as_string() == b"hello"
    region = boto.ec2.regioninfo.RegionInfo(name="eucalyptus", endpoint="localhost")
    ec2 = boto.ec2.connection.EC2Connection(
        *keys, is_secure=True, port=https.ports["clc_tls"], path="/services/Eucalyptus", region=region,
        validate_certs=True,
    )
    assert [r.name for r in ec2.get_all_regions()] == ["eucalyptus"]


def test_awscli_by_eucarc_alone(https, https_user, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"hello" * 1000)
    config = {"AWS_REQUEST_CHECKSUM_CALCULATION": "when_required"}
    clouds.aws(https_user, "s3", "mb", "s3://aws-https", **config)
    clouds.aws(https_user, "s3", "cp", file, "s3://aws-https/file", **config)
    url = clouds.aws(https_user, "s3", "presign", "s3://aws-https/file").strip()
    assert url.startswith("https://") and requests.get(url, verify=CA).content == file.read_bytes()
    regions = clouds.aws(https_user, "ec2", "describe-regions", "--query", "Regions[].RegionName", "--output", "text")
    assert regions.strip() == "eucalyptus"
    who = clouds.aws(https_user, "sts", "get-caller-identity", "--query", "Account", "--output", "text")
    assert who.strip() == https_user["EC2_USER_ID"]


def test_euca(https, https_user, tmp_path):
    assert "eucalyptus" in https_user.euca("describe-regions")
    file = tmp_path / "disk"
    file.write_bytes(b"disk" * 5000)
    manifest, _ = clouds.bundle(https_user, file, tmp_path / "bundle")
    https_user.euca("upload-bundle", "-b", "euca-https", "-m", manifest)

    def complains(**variables):
        env = {name: value for name, value in {**https_user.env, **variables}.items() if value}
        done = subprocess.run([clouds.BIN / "euca", "describe-regions"], capture_output=True, text=True, env=env)
        assert done.returncode != 0
        return done.stderr

    told = complains(AWS_CA_BUNDLE="")
    assert "certificate" in told and "AWS_CA_BUNDLE" in told and "nobody that is believed" in told, told
    assert "/absent.pem" in complains(AWS_CA_BUNDLE="/absent.pem")
    ini = tmp_path / "euca2ools.ini"
    ini.write_text(f"[region eucalyptus]\nssl-ca = {CA}\n")
    env = {**https_user.env, "EUCA_CONFIG_PATH": str(ini)}
    del env["AWS_CA_BUNDLE"]
    assert "eucalyptus" in clouds.run([clouds.BIN / "euca", "describe-regions"], env=env)


def test_what_is_not_believed_is_not_asked(https, https_user):
    with pytest.raises(SSLError):
        client("ec2", https_user, https_user["EC2_URL"]).describe_regions()


def test_http_2_is_not_spoken(https):
    context = ssl.create_default_context(cafile=CA)
    context.set_alpn_protocols(["h2", "http/1.1"])
    url = f"https://127.0.0.1:{https.ports['walrus_tls']}/"
    with pytest.raises(urllib.error.HTTPError) as told:
        urllib.request.urlopen(url, context=context)
    assert told.value.code == 403


@pytest.mark.parametrize("program", ["clc", "walrus"])
def test_a_certificate_that_cannot_be_used_is_told_at_start(https, program, tmp_path):
    config = (https.dir / f"etc/{program}.toml").read_text()
    for change, sentence in [
        (("server-key.pem", "renewed-key.pem"), "is not the key of the certificate"),
        (("server.pem", "absent.pem"), "tls_cert_file"),
        (("tls_key_file", "# tls_key_file"), "tls_key_file must be set, too"),
    ]:
        file = tmp_path / f"{program}.toml"
        # On other ports, because the cloud runs.
        text = config.replace(*change).replace("listen = \"127.0.0.1:", "listen = \"127.0.0.1:0\" # ")
        file.write_text(text)
        done = subprocess.run(
            [clouds.BIN / program, "--config", file], capture_output=True, text=True, timeout=30,
        )
        assert done.returncode == 78, done.stderr
        assert sentence in done.stderr, done.stderr
