"""The command line: what each subcommand calls, exit statuses, and one-sentence errors."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
from tiny_workbook import add_ledger, add_notebook

from xaiutils import __main__, datasets, notebooks, reference, report, runner


@pytest.fixture
def called(monkeypatch):
    """What the runner was called with; it reports success, or failure once ``outcome`` is False."""
    calls = {"outcome": True}

    def record(name):
        def call(*arguments, **options):
            calls[name] = (arguments, options)
            return calls["outcome"]
        return call

    monkeypatch.setattr(runner, "reproduce", record("reproduce"))
    monkeypatch.setattr(runner, "run_one", record("run_one"))
    return calls


def test_reproduce_passes_everything_on_and_its_status_says_whether_all_went_well(called):
    line = ["reproduce", "--profile", "medium", "--only", "agi/*", "00_*", "--jobs", "3", "--record", "--force"]
    assert __main__.main(line) == 0
    assert called["reproduce"] == (("medium", ["agi/*", "00_*"]), {"jobs": 3, "record": True, "force": True})
    called["outcome"] = False
    assert __main__.main(["reproduce"]) == 1
    assert called["reproduce"] == (("small", []), {"jobs": None, "record": False, "force": False})


def test_parameters_of_a_notebook_are_yaml(called):
    assert __main__.main(["notebook", "agi/x", "-p", "n", "4", "-p", "models", "[a, b]", "-p", "low", "null", "-p", "name", "cat"]) == 0
    assert called["run_one"] == (("agi/x", "small", {"n": 4, "models": ["a", "b"], "low": None, "name": "cat"}), {"action": "run"})
    assert __main__.main(["notebook", "agi/x", "--store"]) == 0
    assert called["run_one"] == (("agi/x", "small", {}), {"action": "store"})


@pytest.mark.parametrize("more", [["-p", "n", "4"], ["--profile", "paper"]])
@pytest.mark.parametrize("keep", ["--store", "--reference"])
def test_only_what_the_small_profile_gives_is_kept(called, capsys, keep, more):
    assert __main__.main(["notebook", "agi/x", keep, *more]) == 2
    assert "error: --store and --reference keep what the small profile gives" in capsys.readouterr().err
    assert "run_one" not in called


def test_references_are_written_for_the_tables_named(monkeypatch, capsys):
    monkeypatch.setattr(reference, "write", lambda name, tables, over: f"{name} {tables} {over}")
    assert __main__.main(["notebook", "agi/x", "--reference", "table1", "--over", "seeds"]) == 0
    assert __main__.main(["notebook", "agi/x", "--reference"]) == 0
    assert capsys.readouterr().out == "agi/x ['table1'] seeds\nagi/x [] threads\n"


@pytest.mark.parametrize("statuses, status", [([0, 0], 0), ([1, 0], 1), ([0, 1], 1)])
def test_test_runs_the_notebooks_first_then_the_tests_even_if_the_first_fail(monkeypatch, statuses, status):
    calls, answers = [], iter(statuses)
    monkeypatch.setattr(subprocess, "call", lambda command, cwd, env: calls.append((command, env["OMP_NUM_THREADS"])) or next(answers))
    assert __main__.main(["test", "-x"]) == status
    (first, threads), (second, _) = calls
    assert "--nbval" in first and first[-1] == "notebooks" and second[-1] == "tests" and threads == "1"
    assert "-x" in first and "-x" in second


def test_bench_hands_its_status_on(monkeypatch):
    asked = []
    monkeypatch.setattr("xaiutils.bench.main", lambda only: asked.append(only) or 1)
    assert __main__.main(["bench"]) == 1 and __main__.main(["bench", "--only", "agi", "lrp"]) == 1
    assert asked == [[], ["agi", "lrp"]]


@pytest.mark.parametrize("line", [[], ["nothing"], ["reproduce", "--profile", "large"], ["reproduce", "--jobs", "0"], ["notebook"]])
def test_wrong_arguments_end_with_status_2(line):
    with pytest.raises(SystemExit) as end:
        __main__.main(line)
    assert end.value.code == 2


def test_errors_are_one_sentence(monkeypatch, capsys, tmp_path):
    add_notebook(tmp_path, "agi/sec2")
    monkeypatch.setattr(runner, "reproduce", lambda *a, **o: notebooks.select(["agi/sec3"], tmp_path))
    assert __main__.main(["reproduce", "--only", "agi/sec3"]) == 2
    assert capsys.readouterr().err == "error: only must fit at least one notebook, got 'agi/sec3'; did you mean 'agi/sec2'?\n"


def test_an_interruption_has_its_own_status(monkeypatch, capsys):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "reproduce", interrupt)
    assert __main__.main(["reproduce"]) == 130
    assert "goes on where this one stopped" in capsys.readouterr().err


def test_report_prints_the_summary_and_the_page(monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("XAIUTILS_BUILD", raising=False)
    add_ledger(tmp_path)
    page = report.write
    monkeypatch.setattr(report, "write", lambda profile: page(profile, tmp_path))
    monkeypatch.setattr(report, "summary", lambda profile: f"the {profile} counts")
    assert __main__.main(["report", "--profile", "medium"]) == 0
    assert capsys.readouterr().out == f"the medium counts\nReport: {tmp_path / 'build/medium/report/index.html'}\n"


def test_methods_and_explains_list(capsys):
    assert __main__.main(["methods"]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines["integrated-gradients"] and lines["agi"]
    assert __main__.main(["explain", "--list"]) == 0
    listed = capsys.readouterr().out
    assert "agi" in listed.splitlines()[0] and "efficientnet-lite0" in listed.splitlines()[1]
    assert __main__.main(["explain", "cat.jpg"]) == 2
    assert "error: explain needs a PHOTO and --method NAME" in capsys.readouterr().err


def test_train_and_data_are_handed_over(monkeypatch, capsys):
    monkeypatch.setattr("xaiutils.models.training.train", lambda model, **options: (model, options))
    assert __main__.main(["train", "lenet", "--epochs", "2", "--root", "somewhere"]) == 0
    assert capsys.readouterr().out == str(("lenet", {"epochs": 2, "seed": 0, "device": None, "out": None, "root": "somewhere"})) + "\n"
    download = SimpleNamespace(fetch=lambda name, root: f"{name} in {root}")
    monkeypatch.setattr(datasets, "download", download, raising=False)
    assert __main__.main(["data", "cifar-10", "--root", "somewhere"]) == 0
    assert capsys.readouterr().out == "cifar-10 in somewhere\n"


def test_lab_opens_the_first_notebook(monkeypatch, tmp_path):
    add_notebook(tmp_path, "00_start_here")
    monkeypatch.setattr(notebooks, "path_of", lambda name: tmp_path / "notebooks" / f"{name}.ipynb")
    monkeypatch.setattr(subprocess, "call", lambda command: command[1:] != ["-m", "jupyterlab", str(tmp_path / "notebooks/00_start_here.ipynb")])
    assert __main__.main(["lab"]) == 0


def test_help_imports_nothing_heavy():
    code = "import sys\nfrom xaiutils.__main__ import parser\nparser().format_help()\nprint(sorted({'torch', 'numpy', 'yaml'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
