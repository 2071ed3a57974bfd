"""What must hold for every page, however it is looked at."""

import base64
import urllib.parse

from axe_playwright_python.sync_playwright import Axe

import table
from conftest import SCREENSHOTS

AXE = Axe().axe_script
# All rules; what they found to be right is neither told nor sent.
GRAVE = """axe.run({resultTypes: ["violations"]}).then(found => found.violations
    .filter(it => ["serious", "critical"].includes(it.impact))
    .map(it => [it.id, it.nodes.map(node => node.target), it.nodes[0].failureSummary]))"""
# How pages are looked at: each language at each width, by day and by night, and each width by both.
LOOKS = [("en", 360, "light"), ("en", 1280, "dark"), ("ja", 360, "dark"), ("ja", 1280, "light")]


def time_of(answer):
    """How long the server has taken, in ms."""
    return float(answer.headers["server-timing"].split("dur=")[1])


def picture(page, file):
    """Takes a picture of a whole page, packed as quickly as can be."""
    session = page.context.new_cdp_session(page)
    size = session.send("Page.getLayoutMetrics")["cssContentSize"]
    how = {"format": "png", "captureBeyondViewport": True, "optimizeForSpeed": True, "clip": {**size, "scale": 1}}
    file.write_bytes(base64.b64decode(session.send("Page.captureScreenshot", how)["data"]))
    session.detach()


def looked_at(visitor, name, path, complains=False):
    """Loads a page, or takes the one that a form has led to, and looks at it: whole, small, quick, accessible, and without a complaint of the browser."""
    page = visitor.page
    answer = visitor.go(path) if path else None
    page.wait_for_load_state("load")
    at = f"{name} {visitor.language} {visitor.width} {visitor.scheme}"
    line = table.line_of(urllib.parse.urlsplit(page.url).path)
    assert complains or not path or answer.status == 200, f"{at}: {answer.status}"
    picture(page, SCREENSHOTS / f"{name}-{visitor.language}-{visitor.width}-{visitor.scheme}.png")
    assert page.get_attribute("html", "lang") == visitor.language, at
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= visitor.width, f"{at}: {wide} pixels wide"

    # What is followed says no length, and has none.
    sizes = [] if not path else [int(it.headers.get("content-length", 0)) for it in visitor.loaded]
    took = time_of(answer) if path else 0
    if path:
        table.cost(name, took, took, sum(sizes))
    assert sum(sizes) < 100 * 1024, f"{at}: {sizes}"
    # A machine that is busy with other things is not the page's fault: it is asked again.
    if took >= 100:
        took = min(time_of(visitor.go(path)) for _ in range(5))
    assert took < 100, f"{at}: {took} ms"

    page.evaluate(AXE)
    grave = page.evaluate(GRAVE)
    assert not grave, f"{at}: {grave}"
    if complains:
        visitor.faults.clear()
    assert not visitor.faults, f"{at}: {visitor.faults}"
    # Everything that can be done is reached by the keyboard, and is seen to be.
    page.keyboard.press("Tab")
    first = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert first != "none", f"{at}: nobody sees where the focus is"
    table.LOOKED.setdefault(line, set()).add((visitor.language, visitor.width, visitor.scheme))
