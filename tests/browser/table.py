"""The lines of the console's table, and how each page was looked at; also by those who look at other pages beside us."""

import json
import os
import pathlib

FILE = pathlib.Path(__file__).resolve().parents[1] / "data/console-table.txt"
# Who may, how it is asked for, where.
LINES = [tuple(line.split(" ", 2)) for line in FILE.read_text().splitlines()]
PAGES = {path: who for who, method, path in LINES if method == "GET"}
# How the pages of each path, as the table has it, were looked at: language, width, scheme.
LOOKED = {}
# What each page costs: ms of the server, bytes with all that it loads.
COSTS = {}
NOTES = []
# What this part of the tests is called, if others run beside it.
PART = os.environ.get("EUCALYPT_PART")
# What is shown by GET and is no page.
NO_PAGES = {
    "/instances/{id}/output": "a file",
    "/buckets/{id}/download": "a file",
    "/history/csv": "a file",
    "/history/nodes/{name}/csv": "a file",
    "/history/accounts/{number}/csv": "a file",
    "/reports/instances-csv": "a file",
    "/reports/storage-csv": "a file",
    "/reports/people/csv": "a file",
    "/reports/components/csv": "a file",
    "/reports/messages/csv": "a file",
    "/usage/csv": "a file",
    "/usage/instances-csv": "a file",
    "/usage/storage-csv": "a file",
    "/activity/keep": "a file",
    "/audit/keep": "a file",
    "/uploads/open": "for the script",
    "/uploads/parts": "for the script",
}


def line_of(path):
    """The line of a path: of several the one with the fewest open parts."""
    def fits(line):
        own, asked = line.split("/"), path.split("/")
        return len(own) == len(asked) and all(a == b or a.startswith("{") and b for a, b in zip(own, asked))
    found = [line for line in PAGES if fits(line)]
    return min(found, key=lambda line: line.count("{"), default=None)


def cost(page, quickest, slowest, size):
    """Adds what a page has cost, in ms and bytes."""
    before = COSTS.get(page, (quickest, slowest, size))
    COSTS[page] = (min(quickest, before[0]), max(slowest, before[1]), max(size, before[2]))


def keep(folder):
    """Writes down what was looked at, for whoever looks back at all of it."""
    known = {"looked": {line: sorted(how) for line, how in LOOKED.items()}, "costs": COSTS, "notes": NOTES}
    (folder / f"looked-{PART}.json").write_text(json.dumps(known))


def gather(folder):
    """Adds what the others have written down."""
    for file in sorted(folder.glob("looked-*.json")):
        known = json.loads(file.read_text())
        for line, how in known["looked"].items():
            LOOKED.setdefault(line, set()).update(map(tuple, how))
        for page, (quickest, slowest, size) in known["costs"].items():
            cost(page, quickest, slowest, size)
        NOTES.extend(known["notes"])


def not_looked_at():
    """Pages of the table, and how nobody has looked at them: each language at each width, by day and by night."""
    wanted = {(language, width) for language in ("en", "ja") for width in (360, 1280)} | {"light", "dark"}
    left = {}
    for path in PAGES:
        if path not in NO_PAGES and not path.endswith("/live"):
            looks = LOOKED.get(path, ())
            missing = wanted - {look[:2] for look in looks} - {look[2] for look in looks}
            if missing:
                left[path] = sorted(map(str, missing))
    return left
