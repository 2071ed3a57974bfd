"""The lines of the console's table, and which of them were looked at."""

import pathlib

FILE = pathlib.Path(__file__).resolve().parents[1] / "data/console-table.txt"
# Who may, how it is asked for, where.
LINES = [tuple(line.split(" ", 2)) for line in FILE.read_text().splitlines()]
PAGES = {path: who for who, method, path in LINES if method == "GET"}
# The paths that were looked at, as the table has them.
LOOKED = set()
# What is shown by GET and is no page.
NO_PAGES = {
    "/instances/{id}/output": "a file",
    "/buckets/{id}/download": "a file",
    "/history/csv": "a file",
    "/history/nodes/{name}/csv": "a file",
    "/history/accounts/{number}/csv": "a file",
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


def not_looked_at():
    """Pages of the table that nobody has looked at."""
    return sorted(
        path for path in PAGES
        if path not in LOOKED and path not in NO_PAGES and not path.endswith("/live")
    )
