"""The first notebook is a map: every notebook is on it once, and every link leads somewhere."""

import re

from xaiutils import notebooks


def test_every_notebook_is_on_the_map():
    cells = [cell["source"] for cell in notebooks.read_cells(notebooks.path_of("00_start_here")) if cell["cell_type"] == "markdown"]
    table = next(source for source in cells if source.startswith("## 1 The map"))
    listed = re.findall(r"^\| \[[^]]+\]\(([^)]+)\.ipynb\) \|", table, re.MULTILINE)
    assert sorted(listed) == [name for name in notebooks.names() if name != "00_start_here"]
    linked = set(re.findall(r"\]\(([^)]+)\.ipynb\)", "\n".join(cells)))
    assert linked <= set(notebooks.names())
