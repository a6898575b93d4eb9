import json

import numpy as np
import pytest
import yaml

from xaiutils import claims

CLAIM = dict(
    id="doc-a",
    section="1",
    where="text",
    statement="It does.",
    kind="ordering",
    scale="medium",
    check="Look.",
    paper_check="Look.",
    notebook="doc/sec1",
    rule="paired_greater()",
)
PAIRS = {"greater": np.arange(20) + 1.0, "lesser": np.arange(20)}


def make(**changes):
    return claims.Claim(document="doc", **{**CLAIM, **changes})


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"kind": "guess"}, "claim 'doc-a': kind must be one of exact, property, .*, got 'guess'"),
        ({"scale": "huge"}, "claim 'doc-a': scale must be one of toy, small, medium, paper, got 'huge'"),
        ({"statement": " "}, "claim 'doc-a': statement must be text, got ' '"),
        ({"values": ["1"]}, "claim 'doc-a': values must be a mapping, got \\['1'\\]"),
        ({"rule": "greater()"}, "claim 'doc-a': rule 'greater\\(\\)' cannot be read: unknown rule 'greater'"),
        ({"rule": None}, "claim 'doc-a': give the `rule` that decides it or what is `missing`"),
    ],
)
def test_a_malformed_claim_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)


def ledger_file(folder, *entries):
    file = folder / "doc.yaml"
    file.write_text(yaml.safe_dump({"document": "doc", "claims": list(entries)}))
    return file


def test_a_ledger_file_is_read(tmp_path):
    (claim,) = claims.load(ledger_file(tmp_path, CLAIM)).values()
    assert claim == make() and claim.document == "doc"


def test_unknown_missing_and_double_entries_are_named(tmp_path):
    wrong = {**{name: value for name, value in CLAIM.items() if name != "scale"}, "small_check": "x"}
    with pytest.raises(
        ValueError, match="doc.yaml, claim 'doc-a': missing \\['scale'\\], unknown \\['small_check'\\]"
    ):
        claims.load(ledger_file(tmp_path, wrong))
    with pytest.raises(ValueError, match="claim 'doc-a': the id occurs twice"):
        claims.load(ledger_file(tmp_path, CLAIM, CLAIM))
    (tmp_path / "list.yaml").write_text("[1, 2]")
    with pytest.raises(ValueError, match="list.yaml: expected the two entries `document` and `claims`"):
        claims.load(tmp_path / "list.yaml")


def test_too_few_images_are_not_tested():
    few = {name: values[:2] for name, values in PAIRS.items()}
    found = claims.decide(make(), few, scope="medium", profile="medium")
    assert (found.verdict, found.measured) == ("not tested", None)
    assert found.reason == "greater must hold at least 10 values to be judged, got 2"


def test_the_rule_decides_at_the_claims_scale():
    found = claims.decide(make(), PAIRS, scope="medium", profile="medium", figure="fig1")
    assert (found.verdict, found.scope, found.source, found.n, found.figure) == (
        "holds",
        "medium",
        "run",
        20,
        "fig1",
    )
    assert found.measured == 1 and found.interval == (1, 1) and found.rule == str(make().build_rule())


def test_below_its_scale_a_claim_is_measured_but_not_tested():
    few = {"greater": [3.0, 4.0], "lesser": [1.0, 1.0]}
    found = claims.decide(make(), few, scope="small", profile="small")
    assert (found.verdict, found.measured, found.interval) == ("not tested", 2.5, None)
    assert found.reason == "decided from the medium scale on"


def test_a_narrow_run_never_speaks_about_a_printed_table():
    table = make(
        kind="table", scale="paper", rule="table_values(0.02)", values={"InceptionV3": {"IG": "0.3"}}
    )
    far = {"InceptionV3": {"IG": 0.9}}
    assert claims.decide(table, far, scope="medium", profile="medium").verdict == "inconclusive"
    assert claims.decide(table, far, scope="paper", profile="paper").verdict == "contradicted"


@pytest.mark.parametrize("used, word", [(0.05, "used"), (0.1, "not used")])
def test_a_setting_never_holds(used, word):
    setting = make(kind="setting", scale="small", rule="same_values()", values={"epsilon": "0.05"})
    assert claims.decide(setting, {"epsilon": used}, scope="small", profile="small").verdict == word


def test_errors_about_data_name_the_claim():
    with pytest.raises(TypeError, match="claim 'doc-a': greater must be measured numbers, got booleans"):
        claims.decide(make(), {"greater": [True] * 20, "lesser": [0] * 20}, scope="medium", profile="medium")
    with pytest.raises(ValueError, match="claim 'doc-a' has no rule: no figure; report it with not_tested"):
        claims.decide(make(rule=None, missing="no figure"), PAIRS, scope="medium", profile="medium")


def entry(word, scope, source="run", name="doc-a"):
    return claims.verdict(make(id=name), word, scope=scope, profile="small", source=source)


@pytest.mark.parametrize(
    "first, second, winner",
    [
        (("holds", "small"), ("contradicted", "medium"), 1),
        (("holds", "medium"), ("contradicted", "small"), 0),
        (("holds", "medium"), ("contradicted", "medium"), 0),
        (("holds", "toy"), ("not tested", "paper"), 0),
        (("not tested", "small"), ("inconclusive", "toy"), 1),
    ],
)
def test_the_widest_scope_wins_and_untested_never_does(first, second, winner):
    pair = [entry(*first), entry(*second, source="recorded")]
    assert claims.merge([pair[0]], [pair[1]])["doc-a"] is pair[winner]


def test_merging_keeps_every_claim():
    merged = claims.merge([entry("holds", "toy", name="doc-a")], [entry("holds", "toy", name="doc-b")])
    assert list(merged) == ["doc-a", "doc-b"]


def test_verdicts_survive_the_file(tmp_path):
    rule = "all_of(a=paired_greater(), b=above(0))"
    found = claims.decide(make(rule=rule), {"a": PAIRS, "b": 2}, scope="medium", profile="medium")
    claims.write(tmp_path / "claims.json", [found])
    (stored,) = json.loads((tmp_path / "claims.json").read_text())
    assert {
        "id",
        "document",
        "section",
        "kind",
        "verdict",
        "scope",
        "profile",
        "source",
        "rule",
        "measured",
        "interval",
        "n",
        "notebook",
        "figure",
        "reason",
        "parts",
    } == set(stored)
    assert stored["parts"]["b"] == {"verdict": "holds", "measured": 2.0, "interval": None, "n": 1}
    (again,) = claims.read(tmp_path / "claims.json")
    assert (again.verdict, again.measured) == (found.verdict, found.measured)


def test_parts_of_parts_are_kept():
    claim = make(rule="over_models(all_of(a=paired_greater(), b=above(0)))")
    found = claims.decide(claim, {"net": {"a": PAIRS, "b": -1}}, scope="medium", profile="medium")
    words = {name: part["verdict"] for name, part in found.parts["net"]["parts"].items()}
    assert words == {"a": "holds", "b": "contradicted"} and found.verdict == "contradicted"


def test_a_verdict_prints_words_without_numbers():
    assert repr(entry("holds", "toy")) == "doc-a: holds (toy, run)"
    with pytest.raises(ValueError, match="verdict must be one of holds, .*, got 'true'"):
        entry("true", "toy")


def test_without_a_clone_the_ledger_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "__file__", str(tmp_path / "site-packages" / "xaiutils" / "claims.py"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="run from a clone of the repository"):
        claims.repository()
