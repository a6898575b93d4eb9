"""What every committed notebook promises its reader, checked on the stored file; nothing runs here."""

import ast
import base64
import json
import re
from collections import Counter

import nbformat
import pytest
from bs4 import BeautifulSoup

from xaiutils import claims, notebooks, offline

NAMES = notebooks.names()
LONGEST_CELL = 25
MOST_EXEMPT = 2
FIGURE_BYTES = 150_000
EXEMPT = {"nbval-ignore-output", "nbval-skip", "nbval-raises-exception", "raises-exception"}
ABSOLUTE_PATH = re.compile(r"(?<![\w.:/])(/(home|root|Users|tmp|work|opt|usr|var|mnt)/\S*|[A-Z]:\\\w\S*)")


@pytest.fixture(scope="module", params=NAMES)
def notebook(request):
    return nbformat.read(notebooks.path_of(request.param), as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook):
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def texts(notebook):
    """Everything a reader sees as text: sources and outputs, pictures left out."""
    for cell in notebook.cells:
        yield cell.source
    for output in outputs(notebook):
        yield output.get("text", "")
        yield from ("".join(value) for kind, value in output.get("data", {}).items() if kind.startswith("text/"))


def parsed(notebook):
    """The code of all cells as one syntax tree; lines of IPython's own (%matplotlib) left out."""
    source = "\n".join(cell.source for cell in code_cells(notebook))
    return ast.parse("\n".join(line for line in source.splitlines() if not line.startswith(("%", "!"))))


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_literals_with_seed_and_device(name):
    assert {"seed", "device"} <= set(notebooks.defaults(name))


@pytest.mark.parametrize("profile", notebooks.PROFILES)
def test_profiles_name_notebooks_and_parameters_that_exist(profile):
    assert set(notebooks.profile_blocks(profile)) <= set(NAMES)


def test_it_is_stored_as_one_clean_run_left_it(notebook):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))
    assert outputs(notebook)
    assert not [output for output in outputs(notebook) if output.output_type == "error"]


def test_nothing_stored_changes_from_run_to_run(notebook):
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    assert not [cell for cell in notebook.cells if set(cell.metadata) - {"tags"}]
    assert not [output for output in outputs(notebook) if "application/vnd.jupyter.widget-view+json" in output.get("data", {})]


def test_cells_are_short(notebook):
    assert max(len(cell.source.splitlines()) for cell in code_cells(notebook)) <= LONGEST_CELL


def test_prose_comes_before_code(notebook):
    assert notebook.cells[0].cell_type == "markdown" and notebook.cells[0].source.startswith("# ")


def test_at_most_two_cells_are_exempt_from_comparison(notebook):
    marked = [cell for cell in code_cells(notebook)
              if EXEMPT & set(cell.metadata.get("tags", [])) or re.search(r"^\s*#\s*(NBVAL|PYTEST_VALIDATE)_", cell.source, re.MULTILINE)]
    assert len(marked) <= MOST_EXEMPT


def test_figures_are_small(notebook):
    sizes = [len(base64.b64decode(value)) for output in outputs(notebook) for kind, value in output.get("data", {}).items()
             if kind.startswith("image/") and kind != "image/svg+xml"]
    assert max(sizes, default=0) <= FIGURE_BYTES


def test_no_path_of_one_machine(notebook):
    assert not [found.group() for text in texts(notebook) for found in [ABSOLUTE_PATH.search(text)] if found]


def test_nothing_is_shown_from_the_net(notebook):
    for text in texts(notebook):
        assert not re.search(r"!\[[^\]]*\]\(https?:|<img[^>]*src=[\"']?https?:", text)


def test_formulas_can_be_read_without_the_net(notebook):
    page = BeautifulSoup(offline.to_html(notebook, "title"), "html.parser")
    unread = [code.get_text() for code in page.select(".jp-RenderedMarkdown code") if re.search(r"\\[a-zA-Z]+[{_^]", code.get_text())]
    unknown = [leaf.get_text() for leaf in page.select("mi, mo") if leaf.get_text().startswith("\\")]
    assert not unread and not unknown


def test_a_function_says_what_it_is(notebook):
    for node in ast.walk(parsed(notebook)):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            assert ast.get_docstring(node), f"{node.name} has no docstring"


def test_a_function_used_twice_lives_in_the_package():
    defined = Counter()
    for name in NAMES:
        tree = parsed(nbformat.read(notebooks.path_of(name), as_version=4))
        defined.update({ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)})
    assert not [source for source, times in defined.items() if times > 1]


@pytest.mark.parametrize("name", [name for name in NAMES if "/" in name])
def test_a_section_gives_its_verdicts_in_the_last_cell(name):
    cells = [cell for cell in notebooks.read_cells(notebooks.path_of(name)) if cell["cell_type"] == "code"]
    assert json.dumps(name) in "".join(cell["source"] for cell in cells)
    assert cells[-1]["source"].strip().endswith("run.verdicts()")
    assert [claim for claim in claims.load().values() if claim.notebook == name]


def test_what_the_readme_says_came_out_is_what_the_notebooks_say():
    page = (claims.repository() / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\* \*\*(\w+)\*\* .*?\(notebooks/(\S+)\.ipynb\), `([\w-]+)`\)", page, re.MULTILINE | re.DOTALL)
    assert lines and len(lines) == page.count("\n* **")
    for word, name, claim in lines:
        last = code_cells(nbformat.read(notebooks.path_of(name), as_version=4))[-1]
        assert f"{claim}: {word} (" in last.outputs[0].text
