"""The matrix of clients and operations: its rows, its columns, and the table that is printed.

A cell is a test: an operation asked for by the real client, and what came of it looked at by another
client, the witness. Where a client has no such operation there is no test, but the reason in the table.
"""

import pytest

from adapters import awscli, euca, libclouds, minios, new_boto, old_boto, rclone, s3cmd

# The columns, and what a row's client must do for each.
OPERATIONS = {
    "buckets": "make, list and remove a bucket",
    "put": "write an object with metadata",
    "list": "list a bucket, in pages where the client lets one say their size",
    "get": "read an object",
    "range": "read a part of an object's bytes",
    "copy": "copy an object with its metadata, without sending its bytes",
    "delete": "remove an object",
    "empty": "remove all objects of a bucket, by one request if the client knows it",
    "multipart": "write an object in several parts",
    "acl": "make an object public",
    "presign": "sign a URL that anybody can read by",
    "caller": "ask who signs",
    "images": "list images",
    "register": "register a bundle, and take it out again",
    "new-key": "make, list and remove a key pair",
    "own-key": "import a public key",
    "run": "run an instance with a key pair and user data",
    "find": "find an instance by a filter",
    "stop": "stop an instance",
    "start": "start a stopped instance",
    "reboot": "reboot an instance",
    "console": "read an instance's console",
    "tags": "set tags, read them and take them off",
    "terminate": "end an instance",
}

# The rows: what the client is called here, and how it is set up for a door of the cloud.
ROWS = {
    "boto": (old_boto.Client, "http"),
    "boto https": (old_boto.Client, "https"),
    "boto3": (new_boto.Client, "http"),
    "boto3 https": (new_boto.Client, "https"),
    "awscli": (awscli.Client, "http"),
    "awscli https": (awscli.Client, "https"),
    "s3cmd v2": (s3cmd.V2, "http"),
    "s3cmd v4": (s3cmd.V4, "http"),
    "s3cmd v4 https": (s3cmd.V4, "https"),
    "rclone v2": (rclone.V2, "http"),
    "rclone v4": (rclone.V4, "http"),
    "rclone v4 https": (rclone.V4, "https"),
    "minio": (minios.Client, "http"),
    "minio https": (minios.Client, "https"),
    "libcloud": (libclouds.Client, "http"),
    "libcloud https": (libclouds.Client, "https"),
    "euca": (euca.Client, "http"),
    "euca https": (euca.Client, "https"),
}

# What each cell came to: (row, operation) → "ok" or "FAIL".
outcomes = {}


def method(operation):
    return operation.replace("-", "_")


def reason(row, operation):
    """Why a row has no such cell; nothing if it has."""
    client, _ = ROWS[row]
    why = client.cannot.get(operation)
    has = hasattr(client, method(operation))
    assert has != bool(why), f"{row}: {operation} is either offered or has a reason"
    return why


def cells(operation):
    """Makes a test of an operation one for each client that has it."""
    rows = [row for row in ROWS if not reason(row, operation)]

    def mark(test):
        test = pytest.mark.parametrize("row", rows, indirect=True, ids=lambda row: row.replace(" ", "-"))(test)
        return pytest.mark.cell(operation)(test)

    return mark


def note(row, operation, passed):
    """Keeps what a phase of a cell's test came to; one that failed fails the cell."""
    before = outcomes.get((row, operation), "ok")
    outcomes[row, operation] = before if passed else "FAIL"


def cell(row, operation):
    return "–" if reason(row, operation) else outcomes.get((row, operation), "")


def reasons():
    """Why cells are empty: the sentences, each with the rows and columns it is true of."""
    found = {}
    for row in ROWS:
        for operation in OPERATIONS:
            why = reason(row, operation)
            if why:
                rows, operations = found.setdefault(why, ([], []))
                rows.append(row) if row not in rows else None
                operations.append(operation) if operation not in operations else None
    return [f"{', '.join(rows)}: {', '.join(columns)}: {why}" for why, (rows, columns) in found.items()]


def printed():
    """The lines of the table for a terminal."""
    width = max(map(len, ROWS))
    columns = {operation: max(len(operation), 4) for operation in OPERATIONS}
    yield " ".join([" " * width, *(name.ljust(size) for name, size in columns.items())]).rstrip()
    for row in ROWS:
        found = (cell(row, operation).ljust(size) for operation, size in columns.items())
        yield " ".join([row.ljust(width), *found]).rstrip()
    yield ""
    yield from (f"– {line}" for line in reasons())


def markdown(found=cell):
    """The table for a document; `found` gives the text of a cell."""
    lines = ["| | " + " | ".join(OPERATIONS) + " |", "|---" * (len(OPERATIONS) + 1) + "|"]
    lines += [f"| {row} | " + " | ".join(found(row, operation) for operation in OPERATIONS) + " |" for row in ROWS]
    return "\n".join(lines) + "\n"
