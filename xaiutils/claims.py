"""The ledger: what the documents print, how each claim is decided, and the verdict reached.

``data/claims/<document>.yaml`` holds the claims, ``claims.json`` of a run its verdicts;
``data/claims/README.md`` explains both. A verdict carries its scope: the widest scope reached is the one
shown.
"""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import yaml

from xaiutils import rules

SCOPES = ("toy", "small", "medium", "paper")
KINDS = ("exact", "property", "ordering", "trend", "table", "timing", "qualitative", "setting")
WORDS = ("holds", "contradicted", "inconclusive", "not tested", "misprint", "used", "not used")
SOURCES = ("run", "recorded")


@dataclass(frozen=True)
class Claim:
    """One claim of a document; the fields are those of ``data/claims/README.md``."""

    id: str
    section: str
    where: str
    statement: str
    kind: str
    scale: str
    check: str
    paper_check: str
    notebook: str
    document: str
    values: dict = field(default_factory=dict)
    recomputed: dict = field(default_factory=dict)
    rule: str | None = None
    missing: str | None = None
    notes: str = ""

    def __post_init__(self):
        for name in ("id", "section", "where", "statement", "check", "paper_check", "notebook"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name).strip():
                raise ValueError(f"claim {self.id!r}: {name} must be text, got {getattr(self, name)!r}")
        _one_of(self, "kind", KINDS)
        _one_of(self, "scale", SCOPES)
        for name in ("values", "recomputed"):
            if not isinstance(getattr(self, name), dict):
                raise ValueError(f"claim {self.id!r}: {name} must be a mapping, got {getattr(self, name)!r}")
        if (self.rule is None) == (self.missing is None):
            raise ValueError(f"claim {self.id!r}: give the `rule` that decides it or what is `missing`")
        if self.rule is not None:
            self.build_rule()

    def build_rule(self):
        """The rule object that decides this claim."""
        try:
            return rules.parse(self.rule, printed=self.values)
        except ValueError as error:
            raise ValueError(f"claim {self.id!r}: {error}") from None


@dataclass(frozen=True)
class Verdict:
    """What a run found on one claim: an entry of ``claims.json``.

    ``scope`` is the scale at which it was decided, ``source`` "run" or "recorded" (by a longer run), ``rule``
    the rule as a sentence. ``measured`` and ``interval`` are numbers, or mappings part -> number where the
    rule has parts; ``parts`` then holds {part: {verdict, measured, interval, n}}. ``n`` is the number of
    images (values) judged.
    """

    id: str
    document: str
    section: str
    kind: str
    verdict: str
    scope: str
    profile: str
    source: str
    notebook: str
    rule: str = ""
    measured: object = None
    interval: object = None
    n: int = 0
    figure: str | None = None
    reason: str = ""
    parts: dict = field(default_factory=dict)

    def __post_init__(self):
        _one_of(self, "verdict", WORDS)
        _one_of(self, "scope", SCOPES)
        _one_of(self, "source", SOURCES)

    def __repr__(self):
        """One line without numbers, so that stored notebook outputs stay comparable."""
        reason = f": {self.reason}" if self.reason else ""
        return f"{self.id}: {self.verdict} ({self.scope}, {self.source}){reason}"


def _one_of(entry, name, allowed):
    value = getattr(entry, name)
    if value not in allowed:
        raise ValueError(f"claim {entry.id!r}: {name} must be one of {', '.join(allowed)}, got {value!r}")


def repository():
    """The folder that holds ``data/claims``: where this package lies, else the working directory or above."""
    for folder in (Path(__file__).resolve().parents[1], Path.cwd(), *Path.cwd().parents):
        if (folder / "data" / "claims").is_dir():
            return folder
    raise FileNotFoundError("the ledger data/claims was not found: run from a clone of the repository "
                            "(an installed package does not hold the ledger)")


def load(path=None):
    """The ledger as {id: :class:`Claim`}, from one YAML file or (default) from every file of ``data/claims``.

    ValueError with the claim's id where a field is missing, unknown or malformed, or an id occurs twice.
    """
    ledger = {}
    for file in [Path(path)] if path else sorted((repository() / "data" / "claims").glob("*.yaml")):
        for claim in _read_document(file):
            if claim.id in ledger:
                raise ValueError(f"claim {claim.id!r}: the id occurs twice")
            ledger[claim.id] = claim
    return ledger


def _read_document(file):
    """The claims of one YAML file ``{document: name, claims: [...]}``."""
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or set(content) != {"document", "claims"}:
        raise ValueError(f"{file.name}: expected the two entries `document` and `claims`")
    required = {entry.name for entry in fields(Claim)[:9]}
    known = {entry.name for entry in fields(Claim)} - {"document"}
    for number, entry in enumerate(content["claims"], 1):
        name = entry.get("id", f"number {number}")
        missing, unknown = sorted(required - set(entry)), sorted(set(entry) - known)
        if missing or unknown:
            raise ValueError(f"{file.name}, claim {name!r}: missing {missing}, unknown {unknown} fields")
        yield Claim(document=content["document"], **entry)


def narrower(scope, than):
    """Whether ``scope`` is a smaller scale than ``than``."""
    return SCOPES.index(scope) < SCOPES.index(than)


def decide(claim, data, *, scope, profile, source="run", figure=None):
    """The :class:`Verdict` on ``claim`` that its own rule gives for ``data`` measured at ``scope``.

    Below the claim's scale only the measured value is kept: the verdict is "not tested", for a printed table
    "inconclusive", because other networks and images never speak about the paper's own numbers. Too few values
    for the rule are not tested either. For a claim of kind setting, holds and contradicted read used and not used.
    """
    if claim.rule is None:
        raise ValueError(f"claim {claim.id!r} has no rule: {claim.missing}; report it with not_tested")
    rule, reason = claim.build_rule(), ""
    try:
        found = rule.measure(data) if narrower(scope, claim.scale) else rule.judge(data)
    except rules.TooFew as error:
        found, reason = rules.Outcome("not tested"), str(error)
    except (TypeError, ValueError) as error:
        raise type(error)(f"claim {claim.id!r}: {error}") from None
    word = found.word
    if narrower(scope, claim.scale):
        word = "inconclusive" if claim.kind == "table" else "not tested"
        reason = f"decided from the {claim.scale} scale on"
    elif claim.kind == "setting":
        word = {"holds": "used", "contradicted": "not used"}.get(word, word)
    return verdict(claim, word, scope=scope, profile=profile, source=source, figure=figure, reason=reason,
                   rule=str(rule), measured=found.measured, interval=found.interval, n=found.n,
                   parts=_parts(found))


def verdict(claim, word, **known):
    """A :class:`Verdict` with the fields that every verdict on ``claim`` shares filled in."""
    shared = {name: getattr(claim, name) for name in ("id", "document", "section", "kind", "notebook")}
    return Verdict(verdict=word, **shared, **known)


def _parts(outcome):
    """{part: {verdict, measured, interval, n}}, with its own ``parts`` where a part has them."""
    found = {}
    for name, part in outcome.parts.items():
        found[name] = {"verdict": part.word, "measured": part.measured, "interval": part.interval, "n": part.n}
        if part.parts:
            found[name]["parts"] = _parts(part)
    return found


def merge(*runs):
    """Verdicts of several runs by id, the widest scope for each: {id: :class:`Verdict`}.

    A tested claim goes before one not tested, whatever the scopes; of two verdicts of equal scope the earlier
    argument stays.
    """
    def weight(entry):
        return entry.verdict != "not tested", SCOPES.index(entry.scope)

    merged = {}
    for entry in (entry for verdicts in runs for entry in verdicts):
        if entry.id not in merged or weight(entry) > weight(merged[entry.id]):
            merged[entry.id] = entry
    return merged


def read(path):
    """The verdicts of a ``claims.json``: a list of :class:`Verdict`."""
    return [Verdict(**entry) for entry in json.loads(Path(path).read_text(encoding="utf-8"))]


def write(path, verdicts):
    """Writes verdicts as ``claims.json``: a list of objects with the fields of :class:`Verdict`."""
    text = json.dumps([asdict(entry) for entry in verdicts], indent=1, ensure_ascii=False, allow_nan=False)
    Path(path).write_text(text + "\n", encoding="utf-8")
