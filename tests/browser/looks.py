"""What must hold for every page, however it is looked at."""

import urllib.parse

from axe_playwright_python.sync_playwright import Axe

import table
from conftest import COSTS, SCREENSHOTS

AXE = Axe()
# How pages are looked at: each language at each width, by day and by night, and each width by both.
LOOKS = [("en", 360, "light"), ("en", 1280, "dark"), ("ja", 360, "dark"), ("ja", 1280, "light")]


def time_of(answer):
    """How long the server has taken, in ms."""
    return float(answer.headers["server-timing"].split("dur=")[1])


def looked_at(visitor, name, path, complains=False):
    """Loads a page, or takes the one that a form has led to, and looks at it: whole, small, quick, accessible, and without a complaint of the browser."""
    page = visitor.page
    answer = visitor.go(path) if path else None
    page.wait_for_load_state("load")
    table.LOOKED.add(table.line_of(urllib.parse.urlsplit(page.url).path))
    at = f"{name} {visitor.language} {visitor.width} {visitor.scheme}"
    page.screenshot(
        path=SCREENSHOTS / f"{name}-{visitor.language}-{visitor.width}-{visitor.scheme}.png", full_page=True
    )
    assert page.get_attribute("html", "lang") == visitor.language, at
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= visitor.width, f"{at}: {wide} pixels wide"

    # What is followed says no length, and has none.
    sizes = [] if not path else [int(it.headers.get("content-length", 0)) for it in visitor.loaded]
    took = time_of(answer) if path else 0
    before = COSTS.get(name, (took, 0))
    if path:
        COSTS[name] = (min(took, before[0]), max(sum(sizes), before[1]))
    assert sum(sizes) < 100 * 1024, f"{at}: {sizes}"
    # A machine that is busy with other things is not the page's fault: it is asked again.
    if took >= 100:
        took = min(time_of(visitor.go(path)) for _ in range(5))
    assert took < 100, f"{at}: {took} ms"

    found = AXE.run(page).response["violations"]
    grave = [it for it in found if it["impact"] in ("serious", "critical")]
    told = [(it["id"], [node["target"] for node in it["nodes"]], it["nodes"][0]["failureSummary"]) for it in grave]
    assert not grave, f"{at}: {told}"
    if complains:
        visitor.faults.clear()
    assert not visitor.faults, f"{at}: {visitor.faults}"
    # Everything that can be done is reached by the keyboard, and is seen to be.
    page.keyboard.press("Tab")
    first = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert first != "none", f"{at}: nobody sees where the focus is"
