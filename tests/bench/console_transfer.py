"""Bytes through the console, up and down, against the same by S3 itself, by http and, as the console's, by https.

Prints what each takes of one size and the ratios. It says something only on a machine that does nothing else.
"""

import argparse
import http.client
import os
import pathlib
import re
import ssl
import sys
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/clients"))

import boto3
import cloud as clouds

PASSWORD = "korrekt Pferd 1"


class Console:
    """Somebody who is signed in, without a browser."""

    def __init__(self, port):
        self.port, self.cookies = port, {}

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, context=ssl._create_unverified_context(), timeout=300
        )
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request(method, path, body, {"cookie": cookie, **(headers or {})})
        answer = connection.getresponse()
        for line in answer.headers.get_all("set-cookie") or []:
            name, value = line.split(";")[0].split("=", 1)
            self.cookies[name] = value
        return answer

    def token(self, path):
        page = self.ask("GET", path).read().decode()
        return re.search(r'name="token_of_form" value="([^"]+)"', page).group(1)

    def form(self, page, action, **fields):
        body = urllib.parse.urlencode({"token_of_form": self.token(page), **fields})
        answer = self.ask("POST", action, body, {"content-type": "application/x-www-form-urlencoded"})
        answer.read()
        assert answer.status == 303, (action, answer.status)


def timed(work):
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def drained(stream):
    while stream.read(1 << 20):
        pass


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--mib", type=int, default=200)
    arguments.add_argument("--rounds", type=int, default=3)
    asked = arguments.parse_args()
    data = os.urandom(asked.mib << 20)
    with tempfile.TemporaryDirectory() as folder:
        cloud = clouds.Cloud(pathlib.Path(folder), https=True)
        try:
            cloud.raise_all()
            file = cloud.dir / "password"
            file.touch(mode=0o600)
            file.write_text("erstes Kennwort 0\n")
            own = cloud.dir / "users/taro"
            clouds.run([
                clouds.BIN / "clc", "admin", "add-user", "taro", "--dir", own, "--password-file", file,
                "--config", cloud.dir / "etc/clc.toml",
            ])
            user = clouds.Credentials(own)
            s3, s3_https = (
                boto3.client(
                    "s3", endpoint_url=f"{scheme}://127.0.0.1:{cloud.ports[port]}", region_name="eucalyptus",
                    verify=str(clouds.TLS / "ca.pem"),
                    aws_access_key_id=user["EC2_ACCESS_KEY"], aws_secret_access_key=user["EC2_SECRET_KEY"],
                )
                for port, scheme in (("walrus", "http"), ("walrus_tls", "https"))
            )
            s3.create_bucket(Bucket="bench")
            console = Console(cloud.ports["console"])
            console.form("/sign-in", "/sign-in", account="taro", password="erstes Kennwort 0")
            console.form("/password/new", "/password/new", password=PASSWORD, again=PASSWORD)
            headers = {"x-form-token": console.token("/buckets"), "content-type": "application/octet-stream"}

            def up():
                answer = console.ask("POST", "/uploads/whole?bucket=bench&key=console", data, headers)
                assert (answer.status, answer.read()) == (200, b"{}")

            ways = {
                "up, S3": lambda: s3.put_object(Bucket="bench", Key="direct", Body=data),
                "up, S3 https": lambda: s3_https.put_object(Bucket="bench", Key="direct", Body=data),
                "up, console": up,
                "down, S3": lambda: drained(s3.get_object(Bucket="bench", Key="direct")["Body"]),
                "down, S3 https": lambda: drained(s3_https.get_object(Bucket="bench", Key="direct")["Body"]),
                "down, console": lambda: drained(console.ask("GET", "/buckets/bench/download?key=console")),
            }
            took = {name: min(timed(work) for _ in range(asked.rounds)) for name, work in ways.items()}
            for name, seconds in took.items():
                print(f"{name:15} {asked.mib / seconds:8.0f} MiB/s")
            for way in ("up", "down"):
                for rival in ("S3", "S3 https"):
                    print(f"{way}: the console at {took[f'{way}, {rival}'] / took[f'{way}, console']:.2f} of {rival}")
        finally:
            cloud.stop_all()


if __name__ == "__main__":
    main()
