"""What must hold for every page, however it is looked at."""

from axe_playwright_python.sync_playwright import Axe

from conftest import COSTS, SCREENSHOTS

AXE = Axe()


def looked_at(visitor, name, path, complains=False):
    """Loads a page and looks at it: whole, small, quick, accessible, and without a complaint of the browser."""
    page = visitor.page
    answer = visitor.go(path)
    page.wait_for_load_state("load")
    at = f"{name} {visitor.language} {visitor.width} {visitor.scheme}"
    page.screenshot(
        path=SCREENSHOTS / f"{name}-{visitor.language}-{visitor.width}-{visitor.scheme}.png", full_page=True
    )
    assert page.get_attribute("html", "lang") == visitor.language, at
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= visitor.width, f"{at}: {wide} pixels wide"

    # What is followed says no length, and has none.
    sizes = [int(it.headers.get("content-length", 0)) for it in visitor.loaded]
    took = float(answer.headers["server-timing"].split("dur=")[1])
    before = COSTS.get(name, (0, 0))
    COSTS[name] = (max(took, before[0]), max(sum(sizes), before[1]))
    assert sum(sizes) < 100 * 1024, f"{at}: {sizes}"
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
