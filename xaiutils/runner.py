"""Run notebooks side by side, each by papermill in a process of its own.

A notebook runs again only when something that decides its results has changed (``notebooks.fingerprint``). The
fingerprint of a run is written last, so an interrupted run goes on where it stopped. A notebook that fails stops no
other; its log stands beside its outputs in ``build/<profile>/<notebook>/``.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from xaiutils import notebooks
from xaiutils.notebooks import ROOT
from xaiutils.progress import Progress

EXPECTED_SECONDS = 30  # of a notebook that has never run here: what the small profile allows one


def n_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Task:
    """One notebook with its parameters, the folder its results go to, and the process that makes them."""

    def __init__(self, name, parameters, profile, *, root=ROOT, build=None):
        self.name, self.profile, self.root = name, profile, Path(root).resolve()
        self.parameters = notebooks.check_parameters(name, parameters, root)
        self.build = Path(build or notebooks.build_folder(self.root)).resolve()
        self.folder = self.build / profile / name
        self.log, self.stamp = self.folder / "log.txt", self.folder / "done.json"
        self.process = None

    def fingerprint(self):
        return notebooks.fingerprint(self.name, self.parameters, self.profile, self.root)

    def remembered(self) -> dict:
        """Fingerprint and seconds of the last run, as far as there was one."""
        try:
            return json.loads(self.stamp.read_text())
        except (OSError, ValueError):
            return {}

    def is_fresh(self) -> bool:
        return self.remembered().get("fingerprint") == self.fingerprint()

    def write_stamp(self, fingerprint, seconds):
        """Remember a run, in one step: a stamp is there whole or not at all."""
        part = self.stamp.with_suffix(".part")
        part.write_text(json.dumps({"fingerprint": fingerprint, "seconds": seconds}))
        part.replace(self.stamp)

    def clear(self):
        """Take away what the last run left, so that nothing of it can be taken for this run's."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write_stamp(None, self.remembered().get("seconds"))
        for leftover in ("figures", "tables"):
            shutil.rmtree(self.folder / leftover, ignore_errors=True)
        for leftover in ("notebook.ipynb", "claims.json", "provenance.json"):
            (self.folder / leftover).unlink(missing_ok=True)

    def environment(self, threads) -> dict:
        """What the notebook's process sees: profile, build folder, its share of the cores, and this package."""
        paths = [str(self.root), str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
        count = {f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "MKL", "OPENBLAS")}
        return {**os.environ, **count, "XAIUTILS_PROFILE": self.profile, "XAIUTILS_BUILD": str(self.build),
                "PYTHONPATH": os.pathsep.join(filter(None, paths))}

    def execute(self, threads, on_cell, action="run") -> str | None:
        """Run the notebook to its end. The error's last line, or None where there was none."""
        self.clear()
        fingerprint, start, error = self.fingerprint(), time.monotonic(), None
        source = notebooks.path_of(self.name, self.root)
        target = source if action == "store" else self.folder / "notebook.ipynb"
        command = [sys.executable, "-m", "xaiutils._execute", action, str(source), str(target), json.dumps(self.parameters)]
        with open(self.log, "w", encoding="utf-8") as log, subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env=self.environment(threads)) as self.process:
            for line in self.process.stdout:
                kind, _, rest = line.rstrip().partition(" ")
                if kind == "cell":
                    on_cell(self.name, line.rstrip())
                elif kind == "error":
                    error = rest
        if self.process.returncode:
            return error or f"the process ended with status {self.process.returncode}"
        if action == "store":
            shutil.copy(source, self.folder / "notebook.ipynb")
        self.write_stamp(fingerprint, round(time.monotonic() - start, 1))
        return None


def run_all(tasks, jobs, threads, progress, action="run") -> dict[str, str]:
    """Run the tasks, ``jobs`` at a time, the longest first; the errors by name. Ctrl-C ends the children, then raises."""
    errors, stopping = {}, threading.Event()

    def run(task):
        if stopping.is_set():
            return
        progress.say(f"  {task.name}  started")
        start = time.monotonic()
        error = task.execute(threads, progress.cell, action)
        took = f"{time.monotonic() - start:.0f} s"
        if error and not stopping.is_set():
            errors[task.name] = error
            progress.say(f"  {task.name}  FAILED after {took}: {error}\n    log: {task.log}", done=task.name)
        elif not error:
            progress.say(f"  {task.name}  finished in {took}", done=task.name)

    longest_first = sorted(tasks, key=lambda task: -(task.remembered().get("seconds") or EXPECTED_SECONDS))
    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(run, task) for task in longest_first]
        try:
            for future in futures:
                future.result()
        except BaseException:
            stopping.set()
            while not all(future.done() for future in futures):  # one may have been about to start its process
                end_children(tasks)
            raise
    return errors


def end_children(tasks, patience=10):
    """Ask the running processes to end (they take their kernels along), and make them after ``patience`` seconds."""
    running = [task.process for task in tasks if task.process and task.process.poll() is None]
    for process in running:
        process.terminate()
    for process in running:
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
    time.sleep(0.1)


def reproduce(profile="small", only=(), *, jobs=None, record=False, force=False, root=ROOT, progress=None) -> bool:
    """Run the notebooks that fit ``only`` at ``profile``, write the report, print the summary; did all succeed?

    ``jobs``    how many at a time; default up to four, one at paper scale where they would share a GPU. Each gets its
                share of the cores
    ``record``  keep tables, verdicts and provenance in ``data/recorded/<notebook>/``, where narrower runs read them
    ``force``   run also what has not changed
    Unknown notebooks and parameters raise ValueError before anything runs.
    """
    if record and profile == "small":
        raise ValueError("record keeps the results of a medium or paper run, got the small profile.")
    blocks = notebooks.profile_blocks(profile, root)
    tasks = [Task(name, blocks.get(name, {}), profile, root=root) for name in notebooks.select(only, root)]
    stale = [task for task in tasks if force or not task.is_fresh()]
    jobs = min(jobs or (1 if profile == "paper" else min(4, n_cores())), max(1, len(stale)))
    threads, progress = max(1, n_cores() // jobs), progress or Progress()
    progress.say(f"{len(tasks)} notebooks at the {profile} profile: {len(tasks) - len(stale)} unchanged since their last run, "
                 f"{len(stale)} to run, {jobs} at a time with {threads} threads each")
    errors = run_all(stale, jobs, threads, progress)
    for task in tasks if record else []:
        if task.name not in errors and (task.folder / "claims.json").exists():  # without claims there is nothing to keep
            record_results(task)
    conclude(profile, errors, root, progress)
    return not errors


def record_results(task):
    """Keep what a finished run measured in ``data/recorded/<notebook>/``; the notebook does not count as changed by it."""
    from xaiutils import runs

    was_fresh = task.is_fresh()
    runs.record(task.name, task.profile)
    if was_fresh:
        task.write_stamp(task.fingerprint(), task.remembered()["seconds"])


def conclude(profile, errors, root, progress):
    """Write the report; print the verdicts by document, what failed, and where the report is."""
    from xaiutils import report

    page = report.write(profile, root)
    progress.say("\n" + report.summary(profile, root))
    for name, error in errors.items():
        progress.say(f"FAILED {name}: {error}")
    progress.say(f"Report: {page}")


def run_one(name, profile="small", given=None, *, action="run", root=ROOT, progress=None) -> bool:
    """Run one notebook with all cores, whether it changed or not; did it succeed?

    ``given``   parameters that go before the profile's; with them the results go to ``build/custom/``, because they are
                not what the profile promises
    ``action``  "run", or "store": write the outputs into the committed notebook itself
    """
    name = notebooks.resolve(name, root)
    build = notebooks.build_folder(root) / ("custom" if given else "")
    block = notebooks.profile_blocks(profile, root).get(name, {})
    task = Task(name, block | (given or {}), profile, root=root, build=build)
    progress = progress or Progress()
    errors = run_all([task], 1, n_cores(), progress, action)
    if not errors:
        progress.say(f"{'Stored in ' + str(notebooks.path_of(name, root)) if action == 'store' else 'Results: ' + str(task.folder)}")
    return not errors
