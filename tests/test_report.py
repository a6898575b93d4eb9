"""The report of a made-up ledger and two made-up runs."""

import json
import re

import nbformat
import nbformat.v4 as nbf
import pytest
from bs4 import BeautifulSoup
from PIL import Image
from tiny_workbook import add_ledger, add_notebook

from xaiutils import claims, report


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.delenv("XAIUTILS_BUILD", raising=False)
    add_ledger(tmp_path)
    add_notebook(tmp_path, "doc/good", "run.claim('doc-works', {})")
    add_notebook(tmp_path, "doc/bad")
    folder = tmp_path / "build" / "small" / "doc" / "good"
    (folder / "figures").mkdir(parents=True)
    cells = [nbf.new_markdown_cell("Let $x_k$ be\n\n$$\\frac{1}{2} \\tag{3}$$\n\n<details><summary>Answer</summary>\n\n*one*\n\n</details>"),
             nbf.new_code_cell("run.claim('doc-works', {})", id="theclaim")]
    nbformat.write(nbf.new_notebook(cells=cells, metadata={"widgets": {"state": {}}}), folder / "notebook.ipynb")
    Image.new("RGB", (900, 600), "teal").save(folder / "figures" / "fig1.png")
    shared = {"document": "doc", "section": "1", "kind": "exact", "profile": "small", "notebook": "doc/good", "rule": "equals 1"}
    claims.write(folder / "claims.json", [
        claims.Verdict(id="doc-works", verdict="holds", scope="toy", source="run", measured=0.123456, interval=[0.1, 0.2], n=20,
                       figure="fig1", **shared),
        claims.Verdict(id="doc-fails", verdict="contradicted", scope="medium", source="recorded", measured={"a": 1.0, "b": 2},
                       **shared)])
    (folder / "provenance.json").write_text(json.dumps({"commit": "abc123", "dirty": True, "versions": {"torch": "2.13.0"},
                                                        "device": "cpu", "threads": 1, "date": "2026-01-01"}))
    (folder / "done.json").write_text('{"fingerprint": "f", "seconds": 12.3}')
    return tmp_path


def page(root):
    return BeautifulSoup(report.write("small", root).read_text(encoding="utf-8"), "html.parser")


def test_each_claim_of_the_ledger_is_shown_with_its_verdict(root):
    articles = {article["id"]: article for article in page(root).find_all("article")}
    assert {name: article["data-verdict"] for name, article in articles.items()} == {
        "doc-works": "holds", "doc-fails": "contradicted", "doc-later": "not run"}
    works = articles["doc-works"].get_text(" ", strip=True)
    for expected in ("✓ holds", "scope toy, this run", "One is one & <one>.", "printed one: 1", "measured 0.1235 [0.1, 0.2], n = 20",
                     "rule equals 1", "notebook doc/good"):
        assert expected in works
    fails = articles["doc-fails"].get_text(" ", strip=True)
    assert "✗ contradicted" in fails and "scope medium, recorded by a longer run" in fails and "measured a: 1; b: 2" in fails
    assert "Report" not in articles["doc-later"].get_text() and articles["doc-later"].find("a") is None


def test_a_claim_links_to_its_cell_and_shows_its_figure_small(root):
    works = page(root).find(id="doc-works")
    assert works.find("a")["href"] == "doc-good.html#cell-id=theclaim"
    executed = BeautifulSoup((root / "build/small/report/doc-good.html").read_text(encoding="utf-8"), "html.parser")
    assert "run.claim" in executed.find(id="cell-id=theclaim").get_text()
    picture = works.find("img")
    assert picture["alt"] == "figure fig1 of doc/good"
    assert picture["src"].startswith("data:image/png;base64,") and len(picture["src"]) < 20_000


def test_counts_pages_and_provenance(root):
    soup = page(root)
    header, row = soup.find(class_="counts").find_all("tr")
    counts = dict(zip([th.get_text(strip=True)[1:].strip() for th in header.find_all("th")[1:-1]],
                      [int(td.get_text()) for td in row.find_all("td")]))
    assert {word: n for word, n in counts.items() if n} == {"holds": 1, "contradicted": 1, "not run": 1}
    text = soup.get_text(" ", strip=True)
    for expected in ("doc/good ran in 12 s", "doc/bad not run at this profile", "commit abc123 with local changes; torch 2.13.0; cpu; 1 threads"):
        assert expected in text


def test_words_of_the_terminal_summary(root):
    header, row = report.summary("small", root).splitlines()
    assert re.split(r"\s{2,}| (?=contradicted|inconclusive)", header) == ["document", *report.SYMBOLS]
    assert row.split() == ["doc", "1", "1", "0", "0", "0", "0", "0", "1"]


def test_every_verdict_word_has_a_symbol_and_a_colour(root):
    report.write("small", root)
    style = (root / "build/small/report/index.html").read_text(encoding="utf-8")
    for word in (*claims.WORDS, "not run"):
        assert word in report.SYMBOLS
        assert re.search(rf"--{word.replace(' ', '-')}: #[0-9a-f]{{6}};", style)


def test_nothing_is_loaded_from_the_net(root):
    report.write("small", root)
    assert "http" not in (root / "build/small/report/index.html").read_text(encoding="utf-8")
    executed = (root / "build/small/report/doc-good.html").read_text(encoding="utf-8")
    soup = BeautifulSoup(executed, "html.parser")
    assert not soup.find_all("script") and not soup.find_all("link")
    assert not re.search(r"""(src=|url\(|@import)\s*["']?https?:""", executed)


def test_formulas_are_mathml_and_folded_answers_stay_folded(root):
    report.write("small", root)
    soup = BeautifulSoup((root / "build/small/report/doc-good.html").read_text(encoding="utf-8"), "html.parser")
    inline, block = soup.find_all("math")
    assert inline.msub.get_text() == "xk" and inline["display"] == "inline"
    assert [child.get_text() for child in block.mfrac.children] == ["1", "2"] and "(3)" in block.get_text()
    assert soup.find("details").find("em").get_text() == "one"


def test_without_any_run_the_report_says_so(root, monkeypatch):
    monkeypatch.setenv("XAIUTILS_BUILD", "elsewhere")
    soup = page(root)
    assert {article["data-verdict"] for article in soup.find_all("article")} == {"not run"}
    assert "doc/good not run at this profile" in soup.get_text(" ", strip=True)


def test_measured_values_of_a_rule_with_parts():
    row = {"measured": None, "parts": {"a": {"verdict": "holds", "measured": 0.5, "interval": (0.25, 0.75), "n": 4},
                                       "b": {"verdict": "inconclusive", "measured": 2, "interval": None, "n": 0}}}
    assert report.measured_text(row) == "a: 0.5 [0.25, 0.75], n = 4 (holds); b: 2 (inconclusive)"
