"""What benches share that ask running services: requests signed by version 4, and what a process spent on them."""

import hashlib
import hmac
import http.client
import pathlib
import re
import time
import urllib.parse


class Asker:
    """A connection that is kept, and a key that signs."""

    def __init__(self, port, service):
        self.host, self.service = f"127.0.0.1:{port}", service
        self.connection = http.client.HTTPConnection(self.host, timeout=60)

    def ask(self, method, path, key, secret, body=b"", query=()):
        """Sends a signed request and gives its status and body."""
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        digest = hashlib.sha256(body).hexdigest()
        query = urllib.parse.urlencode(sorted(query), quote_via=urllib.parse.quote)
        headers = {"host": self.host, "x-amz-content-sha256": digest, "x-amz-date": stamp}
        if method == "POST":
            headers["content-type"] = "application/x-www-form-urlencoded"
        names = ";".join(sorted(headers))
        lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
        canonical = "\n".join([method, path, query, lines, names, digest])
        scope = f"{stamp[:8]}/eucalyptus/{self.service}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        mac = b"AWS4" + secret.encode()
        for word in [*scope.split("/"), text]:
            mac = hmac.digest(mac, word.encode(), "sha256")
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, Signature={mac.hex()}"
        )
        self.connection.request(method, path + ("?" + query if query else ""), body or None, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read()


def spent(pid):
    """Processor time of a process's threads so far, seconds."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except FileNotFoundError:
            pass  # a thread that has just ended
    return total / 1e9


def cost(pid, asks):
    """Microseconds of a process's processor time for each of these requests, and of the clock, in the middle."""
    walls, before = [], spent(pid)
    for ask in asks:
        began = time.perf_counter()
        status, body = ask()
        walls.append(time.perf_counter() - began)
        assert status == 200, body
    walls.sort()
    return (spent(pid) - before) * 1e6 / len(walls), walls[len(walls) // 2] * 1e6


def memory(pid, field="VmRSS"):
    """MiB that a process holds, or with VmHWM has held at most."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+) kB", text)[1]) / 1024
