"""The HTML report: every claim with what is printed, what was measured and the verdict, readable without a network.

``build/<profile>/report/index.html`` is one page that holds all it shows; the executed notebooks stand beside it as HTML,
converted by :mod:`xaiutils.offline`.
"""

import base64
import datetime
import io
import json
from collections import Counter, defaultdict
from pathlib import Path

import jinja2
import nbformat
from PIL import Image

from xaiutils import claims, notebooks
from xaiutils.notebooks import ROOT
from xaiutils.offline import TEMPLATES, to_html

SYMBOLS = {"holds": "✓", "contradicted": "✗", "inconclusive": "?", "misprint": "≠", "used": "●", "not used": "○", "not tested": "–",
           "not run": "·"}  # "not run": the ledger has the claim, no run of its notebook at this profile does
THUMBNAIL = (360, 300)


def write(profile, root=ROOT) -> Path:
    """Write the report on what lies in ``build/<profile>``; the path of its page."""
    build = notebooks.build_folder(root) / profile
    folder = build / "report"
    folder.mkdir(parents=True, exist_ok=True)
    rows = collect(profile, root)
    pages = [page_of(name, build, folder) for name in notebooks.names(root)]
    template = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True).get_template("report.html")
    documents = sorted({row["document"] for row in rows})
    text = template.render(profile=profile, claims=[row | shown(row, build) for row in rows], documents=documents, words=list(SYMBOLS),
                           symbols=SYMBOLS, counts=count(rows), pages=pages, provenance=provenance(build),
                           date=datetime.date.today().isoformat())
    (folder / "index.html").write_text(text, encoding="utf-8")
    return folder / "index.html"


def collect(profile, root=ROOT) -> list[dict]:
    """A row a claim of the ledger, in its order, with the verdict of this profile's runs where there is one."""
    root, rows = Path(root), []
    ledger = [claim for file in sorted((root / "data" / "claims").glob("*.yaml")) for claim in claims.load(file).values()]
    runs = (notebooks.build_folder(root) / profile).rglob("claims.json")
    found = claims.merge(*(claims.read(file) for file in sorted(runs)))
    for claim in ledger:
        row = {name: getattr(claim, name) for name in ("id", "document", "section", "where", "statement", "values", "recomputed",
                                                       "kind", "notebook")}
        verdict = found.get(claim.id)
        rows.append(row | (vars(verdict) if verdict else {"verdict": "not run", "rule": str(claim.build_rule()) if claim.rule else ""}))
    return rows


def count(rows) -> dict[str, Counter]:
    """Document -> verdict word -> number of claims."""
    counts = defaultdict(lambda: Counter(dict.fromkeys(SYMBOLS, 0)))
    for row in rows:
        counts[row["document"]][row["verdict"]] += 1
    return dict(counts)


def summary(profile, root=ROOT) -> str:
    """The counts as a table for the terminal: a line a document, a column a verdict word."""
    counts = count(collect(profile, root))
    width = max([len("document"), *map(len, counts)])
    lines = [" ".join([f"{'document':{width}}", *(f"{word:>12}" for word in SYMBOLS)])]
    for document, row in counts.items():
        lines.append(" ".join([f"{document:{width}}", *(f"{row[word]:12}" for word in SYMBOLS)]))
    return "\n".join(lines)


def shown(row, build) -> dict:
    """What the page says of a row: printed and measured values as text, the link to the cell, the thumbnail."""
    executed = build / row["notebook"] / "notebook.ipynb"
    figure = build / row["notebook"] / "figures" / f"{row.get('figure')}.png"
    return {"printed": as_text(row["values"]), "recomputed": as_text(row["recomputed"]), "measured": measured_text(row),
            "link": f"{page_name(row['notebook'])}{anchor(executed, row['id'])}" if executed.exists() else "",
            "thumbnail": thumbnail(figure) if figure.exists() else ""}


def measured_text(row) -> str:
    """``0.41 [0.38, 0.44], n = 200``; part by part where the rule has parts."""
    if row.get("parts"):
        return "; ".join(f"{name}: {measured_text(part)} ({part['verdict']})" for name, part in row["parts"].items())
    if row.get("measured") is None:
        return ""
    interval = f" [{as_text(row['interval'], ', ')}]" if row.get("interval") is not None else ""
    return f"{as_text(row['measured'])}{interval}" + (f", n = {row['n']}" if row.get("n") else "")


def as_text(value, between="; ") -> str:
    """A number, text, list or mapping of the ledger on one line; numbers to four significant digits."""
    if isinstance(value, dict):
        return between.join(f"{name}: {as_text(entry, ', ')}" for name, entry in value.items())
    if isinstance(value, (list, tuple)):
        return between.join(as_text(entry, ", ") for entry in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def anchor(executed, claim_id) -> str:
    """``#cell-id=...`` of the code cell that gives the verdict on the claim, empty where no cell names it."""
    for cell in notebooks.read_cells(executed):
        if cell["cell_type"] == "code" and cell["id"] and any(f"{quote}{claim_id}{quote}" in cell["source"] for quote in "\"'"):
            return f"#cell-id={cell['id']}"
    return ""


def thumbnail(figure) -> str:
    """The figure as a small picture inside the page."""
    with Image.open(figure) as picture:
        small = picture.convert("RGB")
    small.thumbnail(THUMBNAIL)
    content = io.BytesIO()
    small.quantize(128).save(content, format="png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


def page_name(name) -> str:
    return name.replace("/", "-") + ".html"


def page_of(name, build, folder) -> dict:
    """Convert an executed notebook into the report's folder; its name, state and link."""
    executed, stamp = build / name / "notebook.ipynb", build / name / "done.json"
    if not executed.exists():
        return {"name": name, "state": "not run at this profile", "link": ""}
    made = json.loads(stamp.read_text()) if stamp.exists() else {}
    state = f"ran in {made['seconds']:.0f} s" if made.get("fingerprint") else f"FAILED or interrupted, see {build.name}/{name}/log.txt"
    page = folder / page_name(name)
    if not page.exists() or page.stat().st_mtime < executed.stat().st_mtime:
        page.write_text(to_html(nbformat.read(executed, as_version=4), name), encoding="utf-8")
    return {"name": name, "state": state, "link": page.name}


def provenance(build) -> list[dict]:
    """What made the results: the notebooks that share commit, versions and device in one entry."""
    groups = defaultdict(list)
    for file in sorted(build.rglob("provenance.json")):
        made = json.loads(file.read_text(encoding="utf-8"))
        versions = ", ".join(f"{name} {version}" for name, version in made.get("versions", {}).items() if version)
        commit = (made.get("commit") or "unknown") + (" with local changes" if made.get("dirty") else "")
        text = f"commit {commit}; {versions}; {made.get('device')}; {made.get('threads')} threads; {made.get('date')}"
        groups[text].append(file.parent.relative_to(build).as_posix())
    return [{"text": text, "notebooks": names} for text, names in groups.items()]
