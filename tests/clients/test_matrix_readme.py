"""What README.md says of clients is what the matrix proves: whoever changes one changes the other."""

import cloud as clouds
import matrix


def test_the_readme_has_the_matrix():
    table = matrix.markdown(lambda row, operation: "–" if matrix.reason(row, operation) else "ok")
    assert table in (clouds.ROOT / "README.md").read_text(), f"it must say:\n{table}"
