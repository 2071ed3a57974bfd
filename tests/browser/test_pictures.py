"""Pictures and reports: what was, what is where, who used how much; as pages and as files."""

import csv
import io
import os
import struct
import time

import pytest

from conftest import ADMINISTRATOR, Visitor
from looks import LOOKS, looked_at

# A slot of the cloud's rings: a head, then a day of minutes with 26 columns.
HEAD, COLUMNS, MINUTES = 512, 26, 1440


def check(epoch, body):
    found = 0x811C9DC5
    for byte in struct.pack("<I", epoch) + body:
        found = ((found ^ byte) * 0x01000193) & 0xFFFFFFFF
    return found


def remember_a_day(site):
    """Writes a day of samples into the cloud's rings, with five hours of which nothing is known: more than two rows of a table."""
    path = site.cloud.dir / "clc/history/cloud.rings"
    file = os.open(path, os.O_RDWR)
    try:
        epoch = struct.unpack_from("<I", os.pread(file, 16, 0), 8)[0]
        now = int(time.time()) // 60
        for minute in range(now - MINUTES + 2, now - 1):
            hour = minute / 60 % 24
            if 3 <= (now - minute) / 60 < 8:
                continue
            busy = 20 + 14 * abs(12 - hour) / 12 + minute % 7
            values = [busy, 64, busy * 2048, 262144, busy * 8192, 2000000, 2, 2, minute % 3, busy / 2, 0, 3, 0]
            values += [busy * 2**28, 30 * 2**30, minute % 9, minute % 4, 0, busy * 2**30, busy * 100]
            values += [busy * 3, minute % 2, busy, 0, busy * 20, minute % 5]
            body = struct.pack(f"<II{COLUMNS}f", minute, 1, *values)
            row = struct.pack("<I", check(epoch, body)) + body
            os.pwrite(file, row, HEAD + minute % MINUTES * len(row))
    finally:
        os.close(file)


@pytest.fixture(scope="module")
def administrator(site, chromium):
    """The administrator's cookies: who comes first configures the cloud."""
    it = Visitor(chromium, site)
    file = site.cloud.dir / "admin/console-password"
    it.sign_in("eucalyptus", file.read_text().strip() if file.exists() else ADMINISTRATOR)
    if it.page.url.endswith("/first-time"):
        it.fill(password=ADMINISTRATOR, again=ADMINISTRATOR, email="root@example.com", host="127.0.0.1")
        it.send()
    assert it.page.inner_text("h1") == "Dashboard"
    it.page.wait_for_selector("h2")
    cookies = it.context.cookies()
    it.context.close()
    remember_a_day(site)
    return cookies


@pytest.fixture
def admin(administrator, visit):
    def admin(**options):
        visitor = visit(**options)
        visitor.context.add_cookies(administrator)
        return visitor
    return admin


@pytest.mark.parametrize("language, width, scheme", LOOKS)
def test_looks(site, admin, language, width, scheme):
    visitor = admin(language=language, width=width, scheme=scheme)
    looked_at(visitor, "dashboard-administrator", "/")
    looked_at(visitor, "history", "/history")
    looked_at(visitor, "map", "/map")
    node = visitor.page.get_attribute("ul.map a", "href")
    looked_at(visitor, "history-node", f"{node}?range=hour")
    looked_at(visitor, "reports", "/reports")
    looked_at(visitor, "reports-people", "/reports/people")
    looked_at(visitor, "reports-components", "/reports/components")
    looked_at(visitor, "reports-messages", "/reports/messages")
    looked_at(visitor, "usage", "/usage?range=week")
    looked_at(visitor, "history-account", f"/history/accounts/{site.cloud.administrator['EC2_USER_ID']}")


def file_of(visitor, link):
    with visitor.page.expect_download() as download:
        visitor.page.click(link)
    text = download.value.path().read_text(encoding="utf-8-sig")
    return download.value.suggested_filename, list(csv.reader(io.StringIO(text)))


def test_an_administrator_looks_at_the_cloud(admin):
    it = admin()
    it.go("/")
    it.page.click("main a[href='/map']")
    assert it.page.inner_text("h1") == "Node map"
    told = it.page.inner_text("ul.map li")
    assert "Processor cores" in told and "/" in told
    it.page.click("ul.map li a")
    assert it.page.inner_text("h1").startswith("Node ")
    it.page.click("main a[href='/history']")
    # A day, with a gap: the line of processors has two pieces or more.
    line = it.page.get_attribute("figure.chart svg .s0 path.line", "d")
    assert line.count("M") >= 2, line
    assert "Processor cores" in it.page.inner_text("figure.chart figcaption")
    assert it.page.get_attribute("figure.chart svg", "role") == "img"
    it.page.click("figure.chart summary")
    rows = it.page.locator("figure.chart details[open] tbody tr").all_inner_texts()
    assert len(rows) == 12 and any("–" in row for row in rows), rows
    name, table = file_of(it, "a[href='/history/csv?range=day']")
    assert name == "cloud-cloud-day.csv"
    assert table[0][:4] == ["time", "seconds", "samples", "cpus_used"] and len(table) > 1000
    times = [row[0] for row in table[1:]]
    assert times == sorted(times) and all(it.endswith("Z") and len(it) == 20 for it in times)
    it.page.click("nav.ranges a[href='/history?range=hour']")
    assert it.page.get_attribute("nav.ranges a[aria-current]", "href") == "/history?range=hour"
    assert it.page.locator("[data-live='/history/live']").count() == 1
    assert not it.faults


def test_reports_are_asked_for_by_days(admin):
    it = admin()
    it.go("/reports?from=2026-02-31&until=x")
    assert "no span of time" in it.page.inner_text("[role=alert]")
    it.go("/reports?from=2000-01-01&until=2000-01-02")
    assert "Nobody used anything" in it.page.inner_text("main")
    it.page.click("nav.ranges a[href='/reports/components']")
    assert "walrus" in it.page.inner_text("main table")
    name, table = file_of(it, "a[href='/reports/components/csv']")
    assert name == "components.csv" and ["node", "true"] == [table[-1][0], table[-1][4]]
    it.page.click("nav.ranges a[href='/reports/people']")
    _, table = file_of(it, "a[href='/reports/people/csv']")
    assert table[0][0] == "user" and any(row[0] == "eucalyptus" for row in table)
    assert not it.faults


def test_a_user_sees_their_own_use_and_nobody_elses(site, visit):
    _, first = site.add("modest")
    it = visit()
    it.enter("modest", first)
    it.page.click(".side a[href='/usage']")
    assert it.page.inner_text("h1") == "Your use"
    assert "You used nothing" in it.page.inner_text("main")
    assert it.page.locator(".side a[href='/history'], .side a[href='/map'], .side a[href='/reports']").count() == 0
    for path in ("/history", "/history/csv", "/map", "/reports", "/reports/instances-csv", "/history/accounts/000000000000"):
        assert it.go(path).status in (403, 404), path
