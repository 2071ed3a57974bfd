"""Many who look at the same time, at all that can be followed."""

import http.client
import re
import ssl
import urllib.parse

import cloud as clouds
import table

from conftest import ADMINISTRATOR, NOTES, OWN

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


def followed(instance, image):
    """The addresses of all that can be followed: by anybody, and by administrators alone."""
    parts = {"/instances/": instance, "/images/": image, "/history/nodes/": "node1", "/cloud/nodes/": "node1"}
    queries = {"/people/user/live": "?name=crowd"}
    ways = {"signed-in": [], "administrator": []}
    for path, who in table.PAGES.items():
        if path.endswith("/live"):
            whose = path.split("{")[0]
            open_part = path.partition("{")[2].partition("}")[0]
            own = path.replace("{" + open_part + "}", parts[whose]) if open_part else path
            ways[who].append(own + queries.get(path, ""))
    return ways["signed-in"], ways["administrator"]


def administrator(site, visit):
    """Configures the cloud if nobody has; the cookie of a new session."""
    file = site.cloud.dir / "admin/console-password"
    if file.exists():
        it = visit()
        it.sign_in("eucalyptus", file.read_text().strip())
        it.fill(password=ADMINISTRATOR, again=ADMINISTRATOR, email="root@example.com", host="127.0.0.1")
        it.send()
    return signed_in(site, "eucalyptus", ADMINISTRATOR)


def test_two_hundred_open_pages_follow_what_happens(site, visit):
    user, first = site.add("crowd")
    visit().enter("crowd", first)
    theirs = [administrator(site, visit)]
    def run():
        return site.ec2(user).run_instances(ImageId=site.bootable(), MinCount=1, MaxCount=1)["Instances"][0]
    instance = run()["InstanceId"]
    site.ec2(user).get_waiter("instance_running").wait(InstanceIds=[instance], WaiterConfig={"Delay": 1})
    begun = memory(site)
    ours = [signed_in(site, "crowd", OWN) for _ in range(SESSIONS // 2)]
    theirs += [signed_in(site, "eucalyptus", ADMINISTRATOR) for _ in range(SESSIONS // 2 - 1)]
    # Making hashes of passwords takes memory that is given back when it is given back.
    before = min(begun, memory(site))
    for_all, for_them = followed(instance, site.bootable())
    looks = [(ours[n % len(ours)], for_all[n % len(for_all)]) for n in range(PAGES // 2)]
    looks += [(theirs[n % len(theirs)], for_them[n % len(for_them)]) for n in range(PAGES // 2)]
    streams = []
    for cookie, path in looks:
        connection = connect(site)
        connection.request("GET", path, headers={"cookie": cookie})
        answer = connection.getresponse()
        assert answer.status == 200, (path, answer.read())
        events(answer, "event: part")
        streams.append((path, connection, answer))
    assert clouds.wait_until(lambda: metric(site) >= PAGES, "all are followed")
    made = run()["InstanceId"]
    for path, _, answer in streams:
        if path == "/instances/live":
            events(answer, made)
    after = memory(site)
    kinds = len({path for path, _, _ in streams})
    NOTES.append(f"{PAGES} open pages of {kinds} kinds that follow: {after - before:.1f} MiB of memory")
    assert after - before < 100
    for _, connection, _ in streams:
        connection.close()
    clouds.wait_until(lambda: metric(site) < PAGES, "those that left are forgotten")


def metric(site):
    text = clouds.urllib.request.urlopen(f"http://127.0.0.1:{site.cloud.ports['clc_in']}/metrics").read().decode()
    return int(re.search(r"^eucalypt_clc_console_streams (\d+)", text, re.M)[1])
