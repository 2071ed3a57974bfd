"""When all pages have been looked at: whether they were all. It runs last, and only if all files do."""

import table


def test_every_page_of_the_table_was_looked_at():
    assert table.not_looked_at() == []
    gone = [path for path in table.NO_PAGES if path not in table.PAGES]
    assert not gone, f"they are not in the table any more: {gone}"
