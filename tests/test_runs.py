import json

import matplotlib
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from matplotlib import pyplot
from PIL import Image
from tiny_workbook import add_notebook

from xaiutils import claims, runs

matplotlib.use("Agg")
COMMON = dict(
    section="1", where="text", statement="It does.", check="Look.", paper_check="Look.", notebook="doc/sec1"
)
LEDGER = [
    dict(id="doc-order", kind="ordering", scale="medium", rule="paired_greater()", **COMMON),
    dict(id="doc-exact", kind="exact", scale="toy", rule="equals(0, to=1)", **COMMON),
    dict(
        id="doc-setting",
        kind="setting",
        scale="small",
        rule="same_values()",
        values={"epsilon": "0.05"},
        **COMMON,
    ),
    dict(id="doc-figure", kind="qualitative", scale="small", missing="the figure is not given", **COMMON),
    dict(id="doc-timing", kind="timing", scale="toy", rule="below(1)", **{**COMMON, "notebook": "doc/sec2"}),
]
PAIRS = {"greater": np.arange(20) + 1.0, "lesser": np.arange(20)}


@pytest.fixture
def workbook(tmp_path, monkeypatch):
    """A repository with five claims of two notebooks."""
    folder = tmp_path / "data" / "claims"
    folder.mkdir(parents=True)
    (folder / "doc.yaml").write_text(yaml.safe_dump({"document": "doc", "claims": LEDGER}))
    monkeypatch.setattr(claims, "repository", lambda: tmp_path)
    monkeypatch.delenv("XAIUTILS_PROFILE", raising=False)
    monkeypatch.delenv("XAIUTILS_BUILD", raising=False)
    return tmp_path


def start(profile=None, monkeypatch=None, notebook="doc/sec1", **parameters):
    if profile:
        monkeypatch.setenv("XAIUTILS_PROFILE", profile)
    return runs.start(notebook, {"seed": 0, "device": "cpu", **parameters})


def report_all(run):
    """A verdict on every claim of doc/sec1 that this run can give."""
    run.claim("doc-order", PAIRS)
    run.claim("doc-exact", 1.0, scope="toy")
    run.setting("doc-setting", {"epsilon": 0.05})
    run.not_tested("doc-figure")


def stored(run):
    return {entry["id"]: entry for entry in json.loads((run.folder / "claims.json").read_text())}


def test_a_run_writes_where_the_profile_says(workbook, monkeypatch):
    assert start().folder == workbook / "build" / "small" / "doc" / "sec1"
    monkeypatch.setenv("XAIUTILS_BUILD", str(workbook / "elsewhere"))
    run = start("medium", monkeypatch)
    assert run.folder == workbook / "elsewhere" / "medium" / "doc" / "sec1"
    assert sorted(file.name for file in run.folder.iterdir()) == ["figures", "provenance.json", "tables"]
    with pytest.raises(ValueError, match="XAIUTILS_PROFILE must be one of small, medium, paper, got 'huge'"):
        start("huge", monkeypatch)


def test_the_plain_literals_of_the_notebook_are_its_parameters(workbook):
    names = {
        "seed": 3,
        "device": "cpu",
        "ks": [1, 5],
        "csv": None,
        "double_softmax": False,
        "np": np,
        "nested": [[1], 2],
        "_": 7,
        "__name__": "__main__",
        "In": ["code"],
        "Out": {},
        "model": torch.nn.ReLU(),
        "pair": (1, 2),
    }
    run = runs.start("doc/sec1", names)
    parameters = json.loads((run.folder / "provenance.json").read_text())["parameters"]
    assert parameters == {
        "seed": 3,
        "device": "cpu",
        "ks": [1, 5],
        "csv": None,
        "double_softmax": False,
        "nested": [[1], 2],
    }


def test_seed_and_device_are_required(workbook):
    with pytest.raises(
        ValueError, match="parameters must hold seed and device, missing device: call runs.start"
    ):
        runs.start("doc/sec1", {"seed": 0})


def test_generators_depend_on_seed_and_label_only(workbook):
    run = start()
    first = torch.rand(3, generator=run.generator("classes"))
    torch.rand(3, generator=run.generator("images"))
    torch.manual_seed(5)
    assert torch.equal(first, torch.rand(3, generator=run.generator("classes")))
    assert not torch.equal(first, torch.rand(3, generator=run.generator("images")))
    assert not torch.equal(first, torch.rand(3, generator=start(seed=1).generator("classes")))


def noise_figure(inches):
    figure, axis = pyplot.subplots(figsize=(inches, inches))
    axis.imshow(np.random.default_rng(0).random((300, 300, 3)))
    return figure


def test_the_key_changes_with_parameters_profile_and_package(workbook, monkeypatch):
    add_notebook(workbook, "doc/sec1")
    (workbook / "xaiutils").mkdir()
    keys = [start().key, start(n=2).key, start("medium", monkeypatch).key]
    assert start().key == keys[2]
    (workbook / "xaiutils" / "core.py").write_text("a = 2")
    keys.append(start().key)
    assert len({key["fingerprint"] for key in keys}) == 4


def test_figures_are_small_files_and_closed(workbook):
    run, figure = start(), noise_figure(4)
    run.figure(figure, "noise")
    file = run.folder / "figures" / "noise.png"
    assert file.stat().st_size <= runs.FIGURE_BYTES
    assert Image.open(file).mode == "P"  # noise at full resolution needs the palette
    assert figure.number not in pyplot.get_fignums()


def test_a_simple_figure_keeps_its_resolution_and_colours(workbook):
    run = start()
    figure, axis = pyplot.subplots(figsize=(4, 3))
    axis.plot([0, 1])
    run.figure(figure, "line")
    image = Image.open(run.folder / "figures" / "line.png")
    assert image.mode == "RGBA" and image.width > 4 * 130  # 150 dots an inch, margins cut


def test_the_ends_of_a_colour_scale_survive_the_reduction(workbook):
    run = start()
    figure, axis = pyplot.subplots(figsize=(6, 6))
    drawn = axis.imshow(np.random.default_rng(0).normal(0, 0.2, (400, 400)), cmap="RdBu", vmin=-1, vmax=1)
    figure.colorbar(drawn)
    run.figure(figure, "map")
    colours = np.asarray(Image.open(run.folder / "figures" / "map.png").convert("RGB"), dtype=float).reshape(-1, 3)
    for end in pyplot.get_cmap("RdBu")([0.0, 1.0])[:, :3] * 255:
        assert np.abs(colours - end).max(1).min() < 12


def test_tables_are_stored_in_full_and_shown_rounded(workbook, capsys):
    run = start()
    frame = pd.DataFrame({"method": ["ig", "agi", "sm"], "score": [1 / 3, -1e-9, np.nan]})
    run.table(frame, "table1", digits=2)
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert shown == [["method", "score"], ["ig", "0.33"], ["agi", "0.00"], ["sm"]]
    pd.testing.assert_frame_equal(pd.read_csv(run.folder / "tables" / "table1.csv"), frame)
    with pytest.raises(TypeError, match="frame must be a pandas DataFrame, got dict"):
        run.table({}, "table1")


def test_small_leaves_orderings_to_medium(workbook, monkeypatch):
    verdict = start().claim("doc-order", PAIRS)
    assert repr(verdict) == "doc-order: not tested (small, run): decided from the medium scale on"
    assert repr(start("medium", monkeypatch).claim("doc-order", PAIRS)) == "doc-order: holds (medium, run)"


def test_no_caller_decides(workbook, monkeypatch):
    run = start("medium", monkeypatch)
    with pytest.raises(TypeError, match="got booleans"):
        run.claim("doc-order", {"greater": [True] * 20, "lesser": [0] * 20})
    with pytest.raises(ValueError, match="scope must not be wider than the profile 'medium', got 'paper'"):
        run.claim("doc-order", PAIRS, scope="paper")
    with pytest.raises(
        ValueError, match="claim 'doc-exact' can be decided at the 'medium' profile: use run.claim"
    ):
        run.not_tested("doc-exact", "no time")
    with pytest.raises(ValueError, match="claim 'doc-exact' must be of kind 'setting', got 'exact'"):
        run.setting("doc-exact", {"epsilon": 0.05})


def test_claims_of_other_notebooks_and_unknown_ones_are_refused(workbook):
    run = start()
    with pytest.raises(
        ValueError, match="claim 'doc-timing' belongs to doc/sec2; doc/sec1 has doc-order, doc-exact"
    ):
        run.claim("doc-timing", 1)
    with pytest.raises(ValueError, match="claim 'doc-none' is not in the ledger"):
        run.claim("doc-none", 1)


def test_a_timing_of_other_hardware_may_go_untested(workbook):
    verdict = start(notebook="doc/sec2").not_tested("doc-timing", "needs the printed GPU")
    assert (verdict.verdict, verdict.reason) == ("not tested", "needs the printed GPU")


def test_the_last_cell_prints_words_and_writes_everything(workbook, capsys):
    run = start()
    report_all(run)
    run.verdicts()
    assert capsys.readouterr().out.splitlines() == [
        "doc-order: not tested (small, run): decided from the medium scale on",
        "doc-exact: holds (toy, run)",
        "doc-setting: used (small, run)",
        "doc-figure: not tested (small, run): the figure is not given",
    ]
    assert stored(run)["doc-order"]["measured"] == 1.0 and stored(run)["doc-exact"]["scope"] == "toy"


def test_a_forgotten_claim_or_figure_is_an_error(workbook):
    run = start()
    run.claim("doc-exact", 1.0, figure="fig1")
    with pytest.raises(RuntimeError, match="doc/sec1 gave no verdict on doc-order, doc-setting, doc-figure"):
        run.verdicts()
    report_all(run)
    run.claim("doc-exact", 1.0, figure="fig1")
    with pytest.raises(RuntimeError, match="claim 'doc-exact' names the figure 'fig1', never saved"):
        run.verdicts()


def test_a_cell_run_twice_counts_once_and_the_widest_scope_wins(workbook):
    run = start()
    report_all(run)
    run.claim("doc-exact", 2.0, scope="toy")
    run.verdicts()
    assert stored(run)["doc-exact"]["verdict"] == "contradicted"
    run.claim("doc-exact", 1.0, scope="small")
    run.verdicts()
    assert (stored(run)["doc-exact"]["verdict"], stored(run)["doc-exact"]["scope"]) == ("holds", "small")


def recorded_medium_run(monkeypatch, **parameters):
    run = start("medium", monkeypatch, **parameters)
    run.table(pd.DataFrame({"image": ["a", "b"], "agi": [0.1, 1 / 3]}), "per_image")
    report_all(run)
    run.verdicts()
    folder = runs.record("doc/sec1", "medium")
    monkeypatch.delenv("XAIUTILS_PROFILE")
    return folder


def test_a_recorded_run_speaks_in_later_small_ones(workbook, monkeypatch, capsys):
    folder = recorded_medium_run(monkeypatch)
    assert folder == workbook / "data" / "recorded" / "doc" / "sec1"
    assert sorted(file.name for file in folder.iterdir()) == [
        "claims.json",
        "per_image.csv",
        "provenance.json",
    ]
    run = start()
    frame = run.recorded("per_image")
    assert list(frame["agi"]) == [0.1, 1 / 3] and frame.attrs["profile"] == "medium"
    assert run.recorded("other") is None
    report_all(run)
    capsys.readouterr()
    run.verdicts()
    assert capsys.readouterr().out.startswith("doc-order: holds (medium, recorded)\n")


def test_the_widest_results_are_shown(workbook, monkeypatch):
    own = pd.DataFrame({"image": ["a", "a"], "agi": [5.0, 6.0]})
    assert start().widest("per_image", own)[1] == "1 photographs, this run"  # one name, two rows
    assert start().widest("per_image", own[["agi"]], "pictures")[1] == "2 pictures, this run"
    recorded_medium_run(monkeypatch)
    frame, whose = start().widest("per_image", own)
    assert list(frame["agi"]) == [0.1, 1 / 3] and whose == "2 photographs, recorded at the medium profile"
    frame, whose = start().widest("per_image", own.set_index("image"))
    assert list(frame.index) == ["a", "b"] and whose == "2 photographs, recorded at the medium profile"
    frame, whose = start(photographs="holidays").widest("per_image", own)
    assert frame is own and whose == "1 photographs, this run"
    frame, whose = start("medium", monkeypatch).widest("per_image", own)
    assert frame is own and whose == "1 photographs, this run"  # no wider than this run


def test_tables_that_belong_together_come_from_one_run(workbook, monkeypatch):
    own = {name: pd.DataFrame({"image": ["x"], "agi": [7.0]}) for name in ("per_image", "null")}
    alone = lambda **options: start(model="small-net").widest_together(per_image=own["per_image"], **options)
    assert alone()[1] == "small-net, this run" and alone(things="pictures")[1] == "small-net, 1 pictures, this run"
    recorded_medium_run(monkeypatch, model="large-net")
    (frame,), source = alone(things="pictures")
    assert list(frame["agi"]) == [0.1, 1 / 3] and source == "large-net, 2 pictures, recorded at the medium profile"
    frames, source = start(model="small-net").widest_together(**own)  # null was not recorded
    assert all(a is b for a, b in zip(frames, own.values())) and source == "small-net, this run"


def test_recorded_numbers_can_be_judged_anew(workbook, monkeypatch):
    run = start()
    with pytest.raises(ValueError, match="source must be 'run' where nothing is recorded for doc/sec1"):
        run.claim("doc-order", PAIRS, source="recorded")
    recorded_medium_run(monkeypatch)
    assert repr(run.claim("doc-order", PAIRS, source="recorded")) == "doc-order: holds (medium, recorded)"


def test_only_finished_longer_runs_are_recorded(workbook):
    with pytest.raises(ValueError, match="profile must be medium or paper to be recorded, got 'small'"):
        runs.record("doc/sec1", "small")
    with pytest.raises(
        FileNotFoundError, match="doc/sec1 has no finished run at the medium profile to record"
    ):
        runs.record("doc/sec1", "medium")


def test_a_narrower_run_never_replaces_a_wider_recording(workbook, monkeypatch):
    provenance = recorded_medium_run(monkeypatch) / "provenance.json"
    provenance.write_text(provenance.read_text().replace('"medium"', '"paper"'))
    with pytest.raises(ValueError, match="not be narrower than the recorded run of doc/sec1, got 'medium'"):
        runs.record("doc/sec1", "medium")
