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
# Pages that are there only in a state that a cloud is not always in. Whoever makes the state looks at them.
SOMETIMES = {
    "/approve": "a link in a mail",
    "/confirm-address": "a link in a mail",
    "/reject": "a link in a mail",
    "/people/waiting": "where somebody has applied",
    "/people/user/reject": "where somebody has applied",
    "/sign-in/code": "where somebody has a second factor",
    "/password/new": "where somebody has a first password",
    "/first-time": "before the first-time configuration",
    "/cloud/nodes/{name}/give-up": "where a node is gone",
    "/history/accounts/{number}": "where an account has used something for an hour",
    "/iam/role": "where there is a role",
    "/iam/policy": "where there is a policy",
    "/iam/group": "where there is a group",
    "/groups/group": "where there is a group of zones",
    "/images/upload/file": "where an upload was begun",
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
        if path not in LOOKED and path not in NO_PAGES and not path.endswith(("/live", "csv", "/keep"))
    )
