"""Formulas without the net."""

import nbformat.v4 as nbf
from bs4 import BeautifulSoup

from xaiutils.offline import to_html, to_mathml


def test_a_formula_nobody_can_read_stays_latex():
    assert to_mathml(r"a_b_c < 1", "inline") == r"<code>a_b_c &lt; 1</code>"


def test_arg_max_is_a_name():
    assert BeautifulSoup(to_mathml(r"\arg\max_i f_i", "inline"), "html.parser").get_text() == "argmaxifi"


def test_equations_of_an_environment_are_not_numbered_by_us():
    notebook = nbf.new_notebook(cells=[nbf.new_markdown_cell("\\begin{align} a &= b \\\\ c &= d \\end{align}")])
    (table,) = BeautifulSoup(to_html(notebook, "title"), "html.parser").find_all("mtable")
    assert table.get_text() == "a=bc=d"
