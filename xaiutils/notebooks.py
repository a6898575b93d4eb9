"""What the notebooks are: their names, their parameters, what a profile changes, and the fingerprint of one.

A notebook's name is its path below ``notebooks/`` without suffix, ``agi/sec5_3_quantitative``. Its parameters are the
literals of its one cell tagged ``parameters``; these defaults are the small profile. ``profiles/medium.yaml`` and
``profiles/paper.yaml`` hold a block a notebook with what differs there.
"""

import ast
import difflib
import fnmatch
import hashlib
import json
import os
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parents[1]
ROOT = next((folder for folder in (HERE, Path.cwd(), *Path.cwd().parents) if (folder / "notebooks").is_dir()), HERE)  # the clone
PROFILES = ("small", "medium", "paper")
LEAVES_RESULTS_ALONE = {"__main__.py", "_execute.py", "explain.py", "notebooks.py", "offline.py", "progress.py", "reference.py", "report.py", "runner.py"}


def build_folder(root=ROOT) -> Path:
    """Where results go: ``XAIUTILS_BUILD`` (a relative one counts from ``root``), else ``build`` in the repository."""
    return Path(root) / os.environ.get("XAIUTILS_BUILD", "build")


def suggestion(name, known) -> str:
    """``"; did you mean 'x'?"`` where something of that kind is known, else the list of what there is."""
    near = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; there is {', '.join(sorted(known)) or 'nothing'}."


def names(root=ROOT) -> list[str]:
    """All notebooks, sorted."""
    folder = Path(root) / "notebooks"
    paths = (path for path in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in paths)


def resolve(name, root=ROOT) -> str:
    """The notebook meant by its name or its path; what does not exist is refused with the nearest name."""
    name = str(name).removeprefix("notebooks/").removesuffix(".ipynb")
    if name not in names(root):
        raise ValueError(f"notebook must be one of those in notebooks/, got {name!r}{suggestion(name, names(root))}")
    return name


def path_of(name, root=ROOT) -> Path:
    """The file of a notebook."""
    return Path(root) / "notebooks" / f"{resolve(name, root)}.ipynb"


def select(globs, root=ROOT) -> list[str]:
    """The notebooks whose name fits one of ``globs`` (``agi/*``), all of them where there are none."""
    chosen = set()
    for glob in globs or ["*"]:
        fitting = fnmatch.filter(names(root), glob)
        if not fitting:
            raise ValueError(f"only must fit at least one notebook, got {glob!r}{suggestion(glob, names(root))}")
        chosen.update(fitting)
    return sorted(chosen)


def read_cells(path) -> list[dict]:
    """The cells of a notebook, each with ``cell_type``, ``source`` as one string, and ``tags``."""
    cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
    return [{"id": cell.get("id"), "cell_type": cell["cell_type"], "source": "".join(cell["source"]),
             "tags": cell.get("metadata", {}).get("tags", [])} for cell in cells]


def defaults(name, root=ROOT) -> dict:
    """Names and values in the ``parameters`` cell; anything but literals there is refused."""
    cells = [cell["source"] for cell in read_cells(path_of(name, root)) if "parameters" in cell["tags"]]
    if len(cells) != 1:
        raise ValueError(f"notebook {name} must have one cell tagged parameters, got {len(cells)}.")
    values = {}
    for statement in ast.parse(cells[0]).body:
        try:
            (target,) = [statement.target] if isinstance(statement, ast.AnnAssign) else statement.targets
            values[target.id] = ast.literal_eval(statement.value)
        except (AttributeError, TypeError, ValueError):
            raise ValueError(f"parameters of notebook {name} must be lines like `seed = 0` with a literal, "
                             f"got {ast.unparse(statement)!r}.") from None
    return values


def check_parameters(name, given, root=ROOT) -> dict:
    """``given`` as it may be injected into the notebook: known names, values of the kind the default has."""
    known = defaults(name, root)
    for parameter, value in given.items():
        if parameter not in known:
            raise ValueError(f"parameter must be one that notebook {name} has, got {parameter!r}{suggestion(parameter, known)}")
        if not _same_kind(value, known[parameter]):
            raise TypeError(f"parameter {parameter} of notebook {name} must be of the kind of its default "
                            f"{known[parameter]!r}, got {value!r}.")
    return dict(given)


def _same_kind(value, default) -> bool:
    """Is ``value`` a JSON value of the default's kind? An int will do for a float; a null default takes anything."""
    if isinstance(default, bool) or isinstance(value, bool):
        return default is None or isinstance(value, bool) and isinstance(default, bool)
    if default is None or value is None:
        return value is None or isinstance(value, (int, float, str, list))
    return isinstance(value, (int, float) if isinstance(default, float) else type(default))


def profile_blocks(profile, root=ROOT) -> dict[str, dict]:
    """Notebook -> parameters of a profile; every name in the file is checked before anything runs."""
    if profile not in PROFILES:
        raise ValueError(f"profile must be one of {', '.join(PROFILES)}, got {profile!r}.")
    path = Path(root) / "notebooks" / "profiles" / f"{profile}.yaml"
    blocks = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}
    for name, block in blocks.items():
        try:
            check_parameters(name, block or {}, root)
        except (TypeError, ValueError) as error:
            raise type(error)(f"profiles/{profile}.yaml: {error}") from None
    return {name: block or {} for name, block in blocks.items()}


def fingerprint(name, parameters, profile, root=ROOT) -> str:
    """Changes when anything does that decides the notebook's results.

    That is: its cells (not its stored outputs), the injected parameters and the profile, the sources of the package,
    the ledger, the recorded results of this notebook, and the weights.
    """
    root = Path(root)
    cells = [[cell["cell_type"], cell["source"], cell["tags"]] for cell in read_cells(path_of(name, root))]
    digest = hashlib.sha256(json.dumps([cells, parameters, profile], sort_keys=True).encode())
    sources = [path for path in (root / "xaiutils").rglob("*.py") if path.name not in LEAVES_RESULTS_ALONE]
    data = [path for folder in ("claims", f"recorded/{name}", "weights") for path in (root / "data" / folder).rglob("*")]
    for path in sorted(sources) + sorted(path for path in data if path.is_file()):
        digest.update(path.relative_to(root).as_posix().encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
