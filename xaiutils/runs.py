"""A notebook's run: seed, profile, provenance, and where its figures, tables and verdicts go.

A notebook begins with its parameters cell (literals only, ``seed`` and ``device`` among them), then

>>> from xaiutils import runs
>>> run = runs.start("agi/sec5_3_quantitative", globals())    # doctest: +SKIP

Everything it saves lies in ``build/<profile>/<notebook>/``: ``figures/``, ``tables/``, ``claims.json`` and
``provenance.json``. The profile is the environment's ``XAIUTILS_PROFILE`` (default "small"), the folder
``XAIUTILS_BUILD`` (default ``build`` in the repository); the runner sets both.
"""

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

import pandas as pd
import torch

from xaiutils import claims, notebooks
from xaiutils.plots.style import png
from xaiutils.provenance import provenance

PROFILES = ("small", "medium", "paper")
FIGURE_BYTES = 150_000


def start(notebook, parameters):
    """The :class:`Run` of ``notebook``, e.g. "agi/sec5_3_quantitative".

    ``parameters`` is the notebook's ``globals()``, taken right after the parameters cell and the imports: the
    plain literals in it (numbers, strings, None, lists of them) are the parameters and go into
    ``provenance.json``. ``seed`` and ``device`` must be among them.
    """
    return Run(notebook, _literals(parameters))


def _literals(namespace):
    """The parameters among a notebook's globals: plain literals, without IPython's own names."""
    def plain(value):
        if isinstance(value, list):
            return all(map(plain, value))
        return isinstance(value, (str, int, float, type(None)))

    found = {name: value for name, value in namespace.items()
             if not name.startswith("_") and name not in ("In", "Out") and plain(value)}
    if missing := {"seed", "device"} - set(found):
        raise ValueError(f"parameters must hold seed and device, missing {', '.join(sorted(missing))}: "
                         f"call runs.start(name, globals()) after the parameters cell")
    return found


class Run:
    """One run of one notebook; made by :func:`start`. ``claims`` holds the notebook's claims by id."""

    def __init__(self, notebook, parameters):
        self.profile = os.environ.get("XAIUTILS_PROFILE", "small")
        if self.profile not in PROFILES:
            raise ValueError(f"XAIUTILS_PROFILE must be one of {', '.join(PROFILES)}, got {self.profile!r}")
        self.notebook, self.seed, self.parameters = notebook, parameters["seed"], parameters
        self.claims = {name: claim for name, claim in claims.load().items() if claim.notebook == notebook}
        self.folder = build_folder(self.profile, notebook)
        for name in ("figures", "tables"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        _write_json(self.folder / "provenance.json", provenance(self.profile, parameters))
        self._verdicts = []

    def __repr__(self):
        return f"run of {self.notebook} at the {self.profile} profile, seed {self.seed}"

    @property
    def key(self):
        """All that this run's results depend on, as the ``key`` of :func:`xaiutils.scale.map_items`."""
        return {"fingerprint": notebooks.fingerprint(self.notebook, self.parameters, self.profile,
                                                     claims.repository())}

    def generator(self, label):
        """A ``torch.Generator`` seeded by the run's seed and ``label``, whatever is drawn before it."""
        digest = hashlib.sha256(f"{self.seed}/{label}".encode()).digest()
        return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)

    def figure(self, figure, name):
        """Saves a matplotlib figure as ``figures/<name>.png``, shows that file once and closes the figure.

        At 150 dots an inch; what then takes more than 150 kB is reduced as :func:`xaiutils.plots.png` says.
        """
        content = png(figure, FIGURE_BYTES, dpi=150)
        (self.folder / "figures" / f"{name}.png").write_bytes(content)
        _show_and_close(figure, content)

    def table(self, frame, name, digits=3):
        """Saves a DataFrame as ``tables/<name>.csv`` at full precision; shows it rounded to ``digits``."""
        if not isinstance(frame, pd.DataFrame):
            raise TypeError(f"frame must be a pandas DataFrame, got {type(frame).__name__}")
        index = not isinstance(frame.index, pd.RangeIndex)
        frame.to_csv(self.folder / "tables" / f"{name}.csv", index=index)

        def rounded(value):
            return f"{round(value, digits) + 0.0:.{digits}f}"  # + 0.0 turns -0.0 into 0.0

        shown = dict(index=index, float_format=rounded, na_rep="")
        _show_text(frame.to_string(**shown), frame.to_html(border=0, **shown))

    def claim(self, name, data, *, figure=None, scope=None, source="run"):
        """The ``claims.Verdict`` that the ledger's own rule for claim ``name`` gives for ``data``.

        ``data`` is what the rule takes: ``run.claims[name]`` shows rule and check, ``xaiutils.rules`` each
        rule's data. ``scope`` is "toy" where toy functions were measured, by default the run's profile.
        ``source="recorded"`` says that the data come from :meth:`recorded`; their profile is then the scope.
        ``figure`` names the saved figure that shows it. Of verdicts at several scopes the widest wins; at the
        same scope the last one stands.
        """
        claim = self._claim(name)
        if source == "recorded" and scope is None:
            scope = _recorded_profile(self.notebook)
        scope = scope or self.profile
        if source == "run" and claims.narrower(self.profile, scope):
            raise ValueError(f"scope must not be wider than the profile {self.profile!r}, got {scope!r}")
        return self._keep(claims.decide(claim, data, scope=scope, profile=self.profile, source=source,
                                        figure=figure))

    def setting(self, name, used, *, figure=None):
        """Whether the printed setting was used; ``used`` = {name: value} with the names of the ledger."""
        claim = self._claim(name)
        if claim.kind != "setting":
            raise ValueError(f"claim {name!r} must be of kind 'setting', got {claim.kind!r}: use run.claim")
        return self.claim(name, used, figure=figure)

    def not_tested(self, name, reason=None, *, figure=None):
        """Reports claim ``name`` as not tested; the reason defaults to what the ledger says is missing.

        Refused where this profile can decide the claim and nothing is missing; a timing printed for other
        hardware may always go untested.
        """
        claim = self._claim(name)
        if not (claim.missing or claim.kind == "timing" or claims.narrower(self.profile, claim.scale)):
            raise ValueError(f"claim {name!r} can be decided at the {self.profile!r} profile: use run.claim")
        reason = reason or claim.missing or f"decided from the {claim.scale} scale on"
        rule = "" if claim.rule is None else str(claim.build_rule())
        return self._keep(claims.verdict(claim, "not tested", scope=self.profile, profile=self.profile,
                                         source="run", reason=reason, figure=figure, rule=rule))

    def recorded(self, table):
        """The table a longer run recorded, with its provenance in ``attrs``; None if there is none."""
        file = _recorded_folder(self.notebook) / f"{table}.csv"
        if not file.is_file():
            return None
        frame = pd.read_csv(file)
        frame.attrs.update(json.loads((file.parent / "provenance.json").read_text(encoding="utf-8")))
        return frame

    def widest(self, table, own, things="photographs"):
        """The results over most images, and in words whose: (frame, "200 photographs, recorded at the medium profile").

        That is what a longer run recorded as ``table`` where it did, else ``own`` ("2 photographs, this run"). A run
        with other than the embedded ``photographs`` asks for its own results and gets them. Counted are the distinct
        values of the column or index "image", or else the rows; ``things`` names them.
        """
        (frame,), _, whose = self._widest({table: own})
        if frame is not own and own.index.name is not None:
            frame = frame.set_index(own.index.name)
        return frame, f"{_count(frame)} {things}, {whose}"

    def widest_together(self, *, things=None, **own):
        """The same of tables that belong together, by name: (list of frames, "vgg-cifar10, 10 pictures, this run").

        Either all are recorded or all are this run's. The source begins with that run's ``model``; the count of
        the first table is left out where ``things`` does not name what is counted.
        """
        frames, parameters, whose = self._widest(own)
        counted = [] if things is None else [f"{_count(frames[0])} {things}"]
        return frames, ", ".join([parameters["model"], *counted, whose])

    def _widest(self, own):
        """Frames of ``own`` {table: frame} or of the recorded run, that run's parameters, and whose they are."""
        embedded = self.parameters.get("photographs", "embedded") == "embedded"
        recorded = [self.recorded(table) if embedded else None for table in own]
        if any(frame is None for frame in recorded) or not claims.narrower(self.profile, recorded[0].attrs["profile"]):
            return list(own.values()), self.parameters, "this run"
        return recorded, recorded[0].attrs["parameters"], f"recorded at the {recorded[0].attrs['profile']} profile"

    def verdicts(self):
        """The last cell: prints every verdict and writes ``claims.json``, wider recorded ones included.

        RuntimeError where a claim of this notebook got no verdict or names a figure that was not saved.
        """
        reported = {verdict.id for verdict in self._verdicts}
        if missing := [name for name in self.claims if name not in reported]:
            raise RuntimeError(f"{self.notebook} gave no verdict on {', '.join(missing)}")
        for verdict in self._verdicts:
            if verdict.figure and not (self.folder / "figures" / f"{verdict.figure}.png").is_file():
                raise RuntimeError(f"claim {verdict.id!r} names the figure {verdict.figure!r}, never saved")
        recorded = _recorded_folder(self.notebook) / "claims.json"
        merged = claims.merge(self._verdicts, claims.read(recorded) if recorded.is_file() else [])
        shown = [merged[name] for name in self.claims]
        claims.write(self.folder / "claims.json", shown)
        print("\n".join(map(str, shown)))

    def _claim(self, name):
        if name in self.claims:
            return self.claims[name]
        elsewhere = claims.load().get(name)
        where = f"belongs to {elsewhere.notebook}" if elsewhere else "is not in the ledger"
        raise ValueError(f"claim {name!r} {where}; {self.notebook} has {', '.join(self.claims) or 'none'}")

    def _keep(self, verdict):
        others = [kept for kept in self._verdicts if (kept.id, kept.scope) != (verdict.id, verdict.scope)]
        self._verdicts = [*others, verdict]
        return verdict


def build_folder(profile, notebook):
    """Where a notebook's run at ``profile`` lies: ``build/<profile>/<notebook>``."""
    build = os.environ.get("XAIUTILS_BUILD")
    return (Path(build) if build else claims.repository() / "build") / profile / notebook


def record(notebook, profile):
    """Copies tables, verdicts and provenance of a medium or paper run to ``data/recorded/<notebook>/``.

    The verdicts are marked as recorded. Returns the folder. The runner's ``--record`` calls this.
    """
    if profile not in ("medium", "paper"):
        raise ValueError(f"profile must be medium or paper to be recorded, got {profile!r}")
    source, folder = build_folder(profile, notebook), _recorded_folder(notebook)
    if not (source / "claims.json").is_file():
        raise FileNotFoundError(f"{notebook} has no finished run at the {profile} profile to record")
    if folder.is_dir() and claims.narrower(profile, _recorded_profile(notebook)):
        raise ValueError(f"profile must not be narrower than the recorded run of {notebook}, got {profile!r}")
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


def _write_json(path, content):
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _in_notebook():
    return "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None


def _show_and_close(figure, content):
    """Closes the figure; in a notebook the saved PNG is what is shown."""
    from matplotlib import pyplot

    pyplot.close(figure)
    if _in_notebook():
        from IPython import display

        display.display(display.Image(content, width=round(figure.get_figwidth() * 80)))


def _show_text(text, html):
    """Shows a table: HTML in a notebook, plain text elsewhere."""
    if _in_notebook():
        from IPython import display

        display.display({"text/plain": text, "text/html": html}, raw=True)
    else:
        print(text)


def _count(frame):
    """How many images: the distinct values of the column or index "image", or else the rows."""
    images = frame.index if frame.index.name == "image" else frame.get("image")
    return len(frame) if images is None else images.nunique()
