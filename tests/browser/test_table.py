"""Looks back at all other tests: each page of the table was looked at. It runs last."""

import table
from conftest import SCREENSHOTS


def test_every_page_of_the_table_is_looked_at():
    if table.PART:
        table.gather(SCREENSHOTS)
    assert table.not_looked_at() == {}, "nobody has looked at them so"
    gone = [path for path in table.NO_PAGES if path not in table.PAGES]
    assert not gone, f"they are not in the table any more: {gone}"
