"""Many who look at the same time."""

import http.client
import re
import ssl
import urllib.parse

import cloud as clouds

from conftest import NOTES, OWN

PAGES = 200
SESSIONS = 20


def connect(site):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection("127.0.0.1", site.cloud.ports["console"], context=context, timeout=60)


def signed_in(site, account, password):
    """The cookie of a new session."""
    connection = connect(site)
    connection.request("GET", "/sign-in")
    answer = connection.getresponse()
    visit = answer.getheader("set-cookie").split(";")[0]
    token = re.search(r'name="token_of_form" value="([^"]+)"', answer.read().decode())[1]
    form = urllib.parse.urlencode({"account": account, "password": password, "token_of_form": token})
    kind = {"content-type": "application/x-www-form-urlencoded", "cookie": visit}
    connection.request("POST", "/sign-in", form, kind)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 303, answer.status
    cookies = [line for name, line in answer.getheaders() if name.lower() == "set-cookie"]
    return next(line for line in cookies if line.startswith("__Host-console=")).split(";")[0]


def memory(site):
    """What the clc holds, in MiB."""
    status = open(f"/proc/{site.cloud.processes['clc'].pid}/status").read()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def events(answer, text):
    """Reads a stream until it has told of something."""
    told = ""
    while text not in told:
        line = answer.readline().decode()
        assert line, f"the stream has ended: {told}"
        told += line


def test_two_hundred_open_pages_follow_what_happens(site, visit):
    user, first = site.add("crowd")
    visit().enter("crowd", first)
    begun = memory(site)
    sessions = [signed_in(site, "crowd", OWN) for _ in range(SESSIONS - 1)]
    # Making hashes of passwords takes memory that is given back when it is given back.
    before = min(begun, memory(site))
    streams = []
    for number in range(PAGES):
        connection = connect(site)
        connection.request("GET", "/instances/live", headers={"cookie": sessions[number % len(sessions)]})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        events(answer, "event: part")
        streams.append((connection, answer))
    assert clouds.wait_until(lambda: metric(site) >= PAGES, "all are followed")
    (made,) = site.ec2(user).run_instances(ImageId=site.bootable(), MinCount=1, MaxCount=1)["Instances"]
    for _, answer in streams:
        events(answer, made["InstanceId"])
    after = memory(site)
    NOTES.append(f"{PAGES} open lists that follow: {after - before:.1f} MiB of memory")
    assert after - before < 100
    for connection, _ in streams:
        connection.close()
    clouds.wait_until(lambda: metric(site) < PAGES, "those that left are forgotten")


def metric(site):
    text = clouds.urllib.request.urlopen(f"http://127.0.0.1:{site.cloud.ports['clc_in']}/metrics").read().decode()
    return int(re.search(r"^eucalypt_clc_console_streams (\d+)", text, re.M)[1])
