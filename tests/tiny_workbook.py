"""A workbook of tiny notebooks in a temporary folder, to test what runs, checks and reports the real one."""

from pathlib import Path

import nbformat
import nbformat.v4 as nbf

LEDGER = """
document: doc
claims:
- {id: doc-works, section: "1", where: text, statement: "One is one & <one>.", kind: exact, scale: toy, notebook: doc/good,
   values: {one: "1"}, rule: "equals(1)", check: "c", paper_check: "p"}
- {id: doc-fails, section: "2", where: Table 1, statement: "One is two.", kind: exact, scale: toy, notebook: doc/good,
   values: {one: "2"}, rule: "equals(2)", check: "c", paper_check: "p"}
- {id: doc-later, section: "3", where: Figure 1, statement: "Two is two.", kind: exact, scale: toy, notebook: doc/bad,
   rule: "equals(2, to=2)", check: "c", paper_check: "p"}
"""


def add_notebook(root, name, *code, parameters="n = 1\nseed = 0\ndevice = 'cpu'"):
    """``notebooks/<name>.ipynb``: a title with a formula, the parameters cell, then a cell for each of ``code``."""
    path = Path(root) / "notebooks" / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [nbf.new_markdown_cell(f"# {name}\n\n$$x_k$$"), nbf.new_code_cell(parameters, metadata={"tags": ["parameters"]})]
    nbformat.write(nbf.new_notebook(cells=cells + [nbf.new_code_cell(source) for source in code]), path)
    return path


def add_ledger(root):
    path = Path(root) / "data" / "claims" / "doc.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(LEDGER)


def add_profile(root, profile, text):
    path = Path(root) / "notebooks" / "profiles" / f"{profile}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
