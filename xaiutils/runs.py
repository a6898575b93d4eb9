"""A notebook's run: seed, profile, provenance, and where its figures, tables and verdicts go.

A notebook starts with its parameters cell (literals only, ``seed`` and ``device`` among them) and then

>>> from xaiutils import runs
>>> run = runs.start("agi/sec5_3_quantitative", globals())    # doctest: +SKIP

Everything it saves lies in ``build/<profile>/<notebook>/``: ``figures/``, ``tables/``, ``claims.json``,
``provenance.json``. The profile is the environment's ``XAIUTILS_PROFILE`` (default "small"), the folder ``XAIUTILS_BUILD``
(default ``build`` in the repository); the runner sets both.
"""

import datetime
import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import warnings
from importlib import metadata
from pathlib import Path

import pandas as pd
import torch
from PIL import Image

from xaiutils import claims

PROFILES = ("small", "medium", "paper")
FIGURE_BYTES = 150_000
PACKAGES = ("torch", "torchvision", "captum", "numpy", "scipy", "scikit-image")


def start(notebook, parameters):
    """The :class:`Run` of ``notebook``, e.g. "agi/sec5_3_quantitative".

    ``parameters`` is ``globals()`` of the notebook, called right after the parameters cell and the imports: the plain
    literals in it (numbers, strings, None, lists of them) are the parameters and go into ``provenance.json``. ``seed`` and
    ``device`` must be among them.
    """
    return Run(notebook, _literals(parameters))


def _literals(namespace):
    """The parameters among a notebook's globals: plain literals, without IPython's own names."""
    def plain(value):
        return isinstance(value, (str, int, float, type(None))) or isinstance(value, list) and all(map(plain, value))

    found = {name: value for name, value in namespace.items()
             if not name.startswith("_") and name not in ("In", "Out") and plain(value)}
    if missing := {"seed", "device"} - set(found):
        raise ValueError(f"parameters must hold seed and device, missing {', '.join(sorted(missing))}: "
                         f"call runs.start(name, globals()) after the parameters cell")
    return found


class Run:
    """One run of one notebook; made by :func:`start`."""

    def __init__(self, notebook, parameters):
        self.profile = os.environ.get("XAIUTILS_PROFILE", "small")
        if self.profile not in PROFILES:
            raise ValueError(f"XAIUTILS_PROFILE must be one of {', '.join(PROFILES)}, got {self.profile!r}")
        self.notebook, self.seed = notebook, parameters["seed"]
        self.claims = {name: claim for name, claim in claims.load().items() if claim.notebook == notebook}
        build = Path(os.environ.get("XAIUTILS_BUILD", claims.repository() / "build"))
        self.folder = build / self.profile / notebook
        for name in ("figures", "tables"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        _write_json(self.folder / "provenance.json", provenance(self.profile, parameters))
        self._verdicts = []

    def __repr__(self):
        return f"run of {self.notebook} at the {self.profile} profile, seed {self.seed}"

    def generator(self, label):
        """A ``torch.Generator`` seeded by the run's seed and ``label``: the same whatever is drawn before it."""
        digest = hashlib.sha256(f"{self.seed}/{label}".encode()).digest()
        return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)

    def figure(self, figure, name):
        """Saves a matplotlib figure as ``figures/<name>.png`` below 150 kB, shows that file once and closes the figure.

        The resolution falls from 150 to 60 dots an inch, with a palette of 256 colours, until the file is small enough; a
        figure that stays larger is saved with a warning.
        """
        for dpi, palette in ((150, False), (150, True), (110, True), (80, True), (60, True)):
            content = _png(figure, dpi, palette)
            if len(content) <= FIGURE_BYTES:
                break
        else:
            warnings.warn(f"figure {name!r} takes {len(content) // 1000} kB, more than {FIGURE_BYTES // 1000}", stacklevel=2)
        (self.folder / "figures" / f"{name}.png").write_bytes(content)
        _close(figure)
        _show(content, width=round(figure.get_figwidth() * 80))

    def table(self, frame, name, digits=3):
        """Saves a DataFrame as ``tables/<name>.csv`` at full precision and shows it rounded to ``digits`` decimals."""
        if not isinstance(frame, pd.DataFrame):
            raise TypeError(f"frame must be a pandas DataFrame, got {type(frame).__name__}")
        index = not isinstance(frame.index, pd.RangeIndex)
        frame.to_csv(self.folder / "tables" / f"{name}.csv", index=index)
        shown = dict(index=index, float_format=lambda value: f"{round(value, digits) + 0.0:.{digits}f}", na_rep="")
        _display({"text/plain": frame.to_string(**shown), "text/html": frame.to_html(border=0, **shown)})

    def claim(self, name, data, *, figure=None, scope=None, source="run"):
        """The verdict that the ledger's rule for claim ``name`` gives for ``data``: a ``claims.Verdict``.

        ``data`` is what the rule takes (``run.claims[name].rule`` shows it, ``xaiutils.rules`` describes it). ``scope`` is
        "toy" where toy functions were measured, by default the run's profile; ``source="recorded"`` says that the data come
        from :meth:`recorded`, whose profile is then the scope. ``figure`` names the figure that shows it. A second verdict
        at another scope stands beside the first and the widest wins; at the same scope it replaces it.
        """
        claim = self._claim(name)
        if source == "recorded":
            scope = scope or _recorded_profile(self.notebook)
        scope = scope or self.profile
        if source == "run" and claims.narrower(self.profile, scope):
            raise ValueError(f"scope must not be wider than the run's profile {self.profile!r}, got {scope!r}")
        return self._keep(claims.decide(claim, data, scope=scope, profile=self.profile, source=source, figure=figure))

    def setting(self, name, used, figure=None):
        """Whether the printed setting was used: ``used`` = {name: value}, with the names of the ledger's ``values``."""
        if self._claim(name).kind != "setting":
            raise ValueError(f"claim {name!r} is of kind {self.claims[name].kind!r}, not a setting: use run.claim")
        return self.claim(name, used, figure=figure)

    def not_tested(self, name, reason=None, figure=None):
        """Reports claim ``name`` as not tested; the reason defaults to what the ledger says is missing.

        Refused where this profile can decide the claim and nothing is missing; a timing printed for other hardware may
        always go untested.
        """
        claim = self._claim(name)
        decidable = claim.missing is None and claim.kind != "timing" and not claims.narrower(self.profile, claim.scale)
        if decidable:
            raise ValueError(f"claim {name!r} can be decided at the {self.profile!r} profile: measure it and use run.claim")
        reason = reason or claim.missing or f"decided from the {claim.scale} scale on"
        rule = "" if claim.rule is None else str(claim.build_rule())
        return self._keep(claims.verdict(claim, "not tested", scope=self.profile, profile=self.profile, source="run",
                                         reason=reason, figure=figure, rule=rule))

    def recorded(self, table):
        """The table that a longer run recorded, as a DataFrame whose ``attrs`` hold its provenance; None if there is none."""
        file = _recorded_folder(self.notebook) / f"{table}.csv"
        if not file.is_file():
            return None
        frame = pd.read_csv(file)
        frame.attrs.update(json.loads((file.parent / "provenance.json").read_text(encoding="utf-8")))
        return frame

    def verdicts(self):
        """The last cell: prints each claim's verdict and writes ``claims.json``, wider recorded verdicts included.

        RuntimeError where a claim of this notebook got no verdict or names a figure that was not saved.
        """
        if missing := [name for name in self.claims if name not in {verdict.id for verdict in self._verdicts}]:
            raise RuntimeError(f"{self.notebook} gave no verdict on {', '.join(missing)}")
        for verdict in self._verdicts:
            if verdict.figure and not (self.folder / "figures" / f"{verdict.figure}.png").is_file():
                raise RuntimeError(f"claim {verdict.id!r} names the figure {verdict.figure!r}, which was not saved")
        recorded = _recorded_folder(self.notebook) / "claims.json"
        merged = claims.merge(self._verdicts, claims.read(recorded) if recorded.is_file() else [])
        shown = [merged[name] for name in self.claims]
        claims.write(self.folder / "claims.json", shown)
        for verdict in shown:
            print(verdict)

    def _claim(self, name):
        if name in self.claims:
            return self.claims[name]
        elsewhere = claims.load().get(name)
        where = f"belongs to {elsewhere.notebook}" if elsewhere else "is not in the ledger"
        raise ValueError(f"claim {name!r} {where}; {self.notebook} has {', '.join(self.claims) or 'none'}")

    def _keep(self, verdict):
        self._verdicts = [kept for kept in self._verdicts if (kept.id, kept.scope) != (verdict.id, verdict.scope)] + [verdict]
        return verdict


def provenance(profile, parameters):
    """What made a run: commit, whether files differed from it, versions, device, threads, parameters, profile, seed, date."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    device = parameters["device"]
    named = torch.cuda.get_device_name(device) if str(device).startswith("cuda") else platform.machine()
    changes = _git("status", "--porcelain")
    return {"profile": profile, "seed": parameters["seed"], "parameters": parameters, "commit": _git("rev-parse", "HEAD"),
            "dirty": None if changes is None else bool(changes), "versions": versions, "device": f"{device} ({named})",
            "threads": torch.get_num_threads(), "date": datetime.date.today().isoformat()}


def record(notebook, profile):
    """Copies the tables, verdicts and provenance of a finished medium or paper run to ``data/recorded/<notebook>/``.

    The verdicts of the run are marked as recorded. Returns the folder. The runner's ``--record`` calls this.
    """
    if profile not in ("medium", "paper"):
        raise ValueError(f"profile must be medium or paper to be recorded, got {profile!r}")
    source = Path(os.environ.get("XAIUTILS_BUILD", claims.repository() / "build")) / profile / notebook
    if not (source / "claims.json").is_file():
        raise FileNotFoundError(f"{notebook} has no finished run at the {profile} profile to record")
    folder = _recorded_folder(notebook)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in [*sorted((source / "tables").glob("*.csv")), source / "provenance.json"]:
        shutil.copyfile(file, folder / file.name)
    verdicts = json.loads((source / "claims.json").read_text(encoding="utf-8"))
    _write_json(folder / "claims.json", [{**entry, "source": "recorded"} for entry in verdicts])
    return folder


def _recorded_folder(notebook):
    return claims.repository() / "data" / "recorded" / notebook


def _recorded_profile(notebook):
    file = _recorded_folder(notebook) / "provenance.json"
    if not file.is_file():
        raise ValueError(f"source must be 'run' where nothing is recorded for {notebook}, got 'recorded'")
    return json.loads(file.read_text(encoding="utf-8"))["profile"]


def _git(*command):
    """What git answers in the repository, None where there is no git or no commit."""
    try:
        answer = subprocess.run(["git", *command], cwd=claims.repository(), capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()


def _write_json(path, content):
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _png(figure, dpi, palette):
    """The figure as PNG bytes, on request with 256 colours."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=dpi, bbox_inches="tight", metadata={"Software": None})
    if palette:
        reduced = Image.open(content).convert("RGB").quantize(256)
        content = io.BytesIO()
        reduced.save(content, format="png", optimize=True)
    return content.getvalue()


def _close(figure):
    from matplotlib import pyplot
    pyplot.close(figure)


def _show(content, width):
    """Shows PNG bytes in a notebook; a plain script shows nothing."""
    if "IPython" in sys.modules:
        from IPython.display import Image as Shown, display
        display(Shown(content, width=width))


def _display(bundle):
    """Shows text (and HTML in a notebook); a plain script prints the text."""
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython():
        from IPython.display import display
        display(bundle, raw=True)
    else:
        print(bundle["text/plain"])
