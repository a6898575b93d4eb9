"""Running notebooks side by side, on tiny ones in a temporary folder."""

import io
import os
import signal
import subprocess
import sys
import time

import nbformat
import pytest
from tiny_workbook import add_ledger, add_notebook, add_profile

from xaiutils import notebooks, runner

WRITE_RAN = "from pathlib import Path\nopen(Path(os.environ['XAIUTILS_BUILD']) / f'ran-{n}', 'a').write('x')"


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.delenv("XAIUTILS_BUILD", raising=False)
    (tmp_path / "data").mkdir()
    return tmp_path


def reproduce(root, *only, **options):
    """The result and what was printed."""
    out = io.StringIO()
    succeeded = runner.reproduce(only=only, root=root, progress=runner.Progress(out), **options)
    return succeeded, out.getvalue()


def fresh(root, name, profile="small"):
    parameters = notebooks.profile_blocks(profile, root).get(name, {})
    return runner.Task(name, parameters, profile, root=root).is_fresh()


def test_a_failing_notebook_stops_no_other_and_only_what_changed_runs_again(root):
    add_notebook(root, "doc/good", "import os\n" + WRITE_RAN)
    add_notebook(root, "doc/bad", "raise ValueError('first line\\nlast line')", "print('never')")
    add_notebook(root, "doc/dies", "import os\nos._exit(7)")
    succeeded, said = reproduce(root, jobs=2)
    assert not succeeded
    assert "3 notebooks at the small profile: 0 unchanged since their last run, 3 to run, 2 at a time" in said
    assert "FAILED doc/dies: DeadKernelError: Kernel died" in said
    assert "doc/good  started" in said and "doc/good  finished in" in said
    log = root / "build" / "small" / "doc" / "bad" / "log.txt"
    assert "FAILED doc/bad: ValueError: first line last line" in said and f"log: {log}" in said
    assert "raise ValueError" in log.read_text()
    assert f"Report: {root / 'build' / 'small' / 'report' / 'index.html'}" in said
    assert fresh(root, "doc/good") and not fresh(root, "doc/bad")

    add_notebook(root, "doc/bad", "print('mended')")
    succeeded, said = reproduce(root, "doc/[bg]*", jobs=2)
    assert succeeded and "1 unchanged since their last run, 1 to run, 1 at a time" in said
    assert (root / "build" / "ran-1").read_text() == "x"  # doc/good ran once in all


def test_the_notebook_sees_profile_build_threads_parameters_and_this_interpreter(root, monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", str(root / "jupyter"))  # somebody else's kernel of the same name
    foreign = root / "jupyter" / "kernels" / "python3"
    foreign.mkdir(parents=True)
    (foreign / "kernel.json").write_text('{"argv": ["/no/such/python", "{connection_file}"], "display_name": "x", "language": "python"}')
    add_notebook(root, "doc/env", "import os, sys, xaiutils",
                 "for name in ('XAIUTILS_PROFILE', 'XAIUTILS_BUILD', 'OMP_NUM_THREADS'): print(os.environ[name])",
                 "print(n, names)", "print(sys.executable)", "print(os.getcwd())",
                 parameters="n = 1\nnames = ['a']\nseed = 0\ndevice = 'cpu'")
    add_profile(root, "medium", "doc/env: {n: 3, names: [b, c]}")
    assert reproduce(root, jobs=1, profile="medium")[0]
    executed = nbformat.read(root / "build" / "medium" / "doc" / "env" / "notebook.ipynb", as_version=4)
    printed = "".join(output.text for cell in executed.cells for output in cell.get("outputs", [])).splitlines()
    assert printed == ["medium", str(root / "build"), str(runner.n_cores()), "3 ['b', 'c']", sys.executable,
                       str(root / "notebooks" / "doc")]


def test_nothing_runs_where_a_name_is_wrong(root):
    add_notebook(root, "doc/good", "import os\n" + WRITE_RAN)
    add_profile(root, "medium", "doc/good: {m: 3}")
    with pytest.raises(ValueError, match="got 'm'"):
        reproduce(root, profile="medium")
    with pytest.raises(ValueError, match="'dok/good'; did you mean 'doc/good'"):
        reproduce(root, "dok/good")
    with pytest.raises(ValueError, match="got 'm'"):
        runner.run_one("doc/good", given={"m": 3}, root=root)
    with pytest.raises(ValueError, match="record keeps the results of a medium or paper run"):
        reproduce(root, record=True)
    assert not (root / "build").exists()


def test_what_an_interrupted_run_finished_is_kept_and_its_processes_end(root, monkeypatch):
    add_notebook(root, "doc/a", "print('quick')")
    add_notebook(root, "doc/b", f"import os\nopen({str(root / 'pid')!r}, 'w').write(str(os.getpid()))\nimport time\ntime.sleep(120)")
    command = ["import signal", "signal.signal(signal.SIGINT, signal.default_int_handler)",  # a background shell ignores it
               "from xaiutils import runner", f"runner.reproduce(root={str(root)!r}, jobs=1)"]
    process = subprocess.Popen([sys.executable, "-c", "; ".join(command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 90
    while not (root / "pid").exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) != 0
    assert_ends(int((root / "pid").read_text() or 0))
    assert fresh(root, "doc/a") and not fresh(root, "doc/b")
    ran = []
    monkeypatch.setattr(runner.Task, "execute", lambda self, *rest: ran.append(self.name))
    assert "1 unchanged since their last run, 1 to run" in reproduce(root)[1] and ran == ["doc/b"]


def assert_ends(pid):
    """The kernel's process is gone, at the latest when it notices that its parent is."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail(f"the kernel {pid} is still there")


def test_longest_first(root, monkeypatch):
    order = []
    for name, seconds in (("doc/a", 5), ("doc/b", 500), ("doc/c", None)):
        add_notebook(root, name)
        task = runner.Task(name, {}, "small", root=root)
        task.clear()
        task.write_stamp("old", seconds)
    monkeypatch.setattr(runner.Task, "execute", lambda self, *rest: order.append(self.name))
    reproduce(root, jobs=1)
    assert order == ["doc/b", "doc/c", "doc/a"]


def test_a_run_leaves_nothing_of_the_last_one(root):
    add_notebook(root, "doc/a", "1")
    task = runner.Task("doc/a", {}, "small", root=root)
    for leftover in ("figures/old.png", "tables/old.csv", "claims.json"):
        (task.folder / leftover).parent.mkdir(parents=True, exist_ok=True)
        (task.folder / leftover).write_text("old")
    task.write_stamp("fingerprint", 7)
    task.clear()
    assert [path.name for path in task.folder.iterdir()] == ["done.json"]
    assert task.remembered() == {"fingerprint": None, "seconds": 7}


def test_parameters_of_ones_own_go_to_a_folder_of_their_own(root):
    add_notebook(root, "doc/a", "print(n + 1)")
    assert runner.run_one("notebooks/doc/a.ipynb", given={"n": 41}, root=root, progress=runner.Progress(io.StringIO()))
    assert not (root / "build" / "small").exists()
    executed = nbformat.read(root / "build" / "custom" / "small" / "doc" / "a" / "notebook.ipynb", as_version=4)
    assert executed.cells[-1].outputs[0].text == "42\n"


def test_stored_outputs_hold_nothing_that_changes_from_run_to_run(root):
    path = add_notebook(root, "doc/a", "print('one')", "import ipywidgets\nipywidgets.IntSlider()", "1 + 1")
    progress = runner.Progress(io.StringIO())
    assert runner.run_one("doc/a", action="store", root=root, progress=progress)
    first = path.read_bytes()
    assert runner.run_one("doc/a", action="store", root=root, progress=progress)
    assert path.read_bytes() == first
    cells = nbformat.read(path, as_version=4).cells
    assert cells[2].outputs[0].text == "one\n" and cells[4].outputs[0].data == {"text/plain": "2"}
    assert list(cells[3].outputs[0].data) == ["text/plain"]  # the slider as text, no random id
    assert all("execution" not in cell.metadata for cell in cells)
    assert fresh(root, "doc/a")


def test_a_notebook_that_fails_is_not_stored(root):
    path = add_notebook(root, "doc/a", "1 / 0")
    before = path.read_bytes()
    out = io.StringIO()
    assert not runner.run_one("doc/a", action="store", root=root, progress=runner.Progress(out))
    assert path.read_bytes() == before
    assert "FAILED" in out.getvalue() and "ZeroDivisionError: division by zero" in out.getvalue()


def test_recording_keeps_the_run_and_does_not_make_it_run_again(root, monkeypatch):
    add_ledger(root)

    def execute(self, threads, on_cell, action):
        self.clear()
        if self.name == "doc/good":
            (self.folder / "tables").mkdir()
            (self.folder / "tables" / "per_image.csv").write_text("a\n1\n")
            (self.folder / "claims.json").write_text("[]")
            (self.folder / "provenance.json").write_text("{}")
        self.write_stamp(self.fingerprint(), 1)

    monkeypatch.setattr(runner.Task, "execute", execute)
    add_notebook(root, "doc/good")
    add_notebook(root, "00_start")  # without claims
    monkeypatch.setattr("xaiutils.claims.repository", lambda: root)
    assert reproduce(root, profile="medium", record=True)[0]
    assert (root / "data" / "recorded" / "doc" / "good" / "per_image.csv").read_text() == "a\n1\n"
    assert [path.name for path in (root / "data" / "recorded").iterdir()] == ["doc"]
    assert fresh(root, "doc/good", "medium")
