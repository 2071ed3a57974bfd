"""Messages between services, as docs of common/runtime's envelope say them: what the console asks, asked by a test."""

import hashlib
import hmac
import json
import secrets
import time
import urllib.error
import urllib.request


class Refused(Exception):
    """What a service refused, with its code."""

    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")
        self.code = code


def call(cloud, service, message, **fields):
    """Sends one message to the clc's internal listener, signed with the peer key."""
    path = f"/peer/{service}/1/{message}"
    body = json.dumps(fields).encode()
    key = (cloud.dir / "etc/peer.key").read_bytes()
    head = {
        "x-eucalypt-date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
        "x-eucalypt-nonce": secrets.token_hex(16),
        "x-eucalypt-body-sha256": hashlib.sha256(body).hexdigest(),
    }
    signed = "".join(f"{line}\n" for line in (path, *head.values()))
    head["x-eucalypt-signature"] = hmac.new(key, signed.encode(), hashlib.sha256).hexdigest()
    url = f"http://127.0.0.1:{cloud.ports['clc_in']}{path}"
    request = urllib.request.Request(url, data=body, headers={**head, "content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        told = json.load(error)
        raise Refused(told["code"], told["text"]) from None
