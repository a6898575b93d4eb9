"""Reference tables: numbers of a notebook's small run that must not drift, and how far they may move from machine to machine.

``tests/reference/<notebook>/<table>.csv`` holds the numbers of one run, ``tests/reference/tolerances.yaml`` the absolute
tolerance of each column that needs one: three times its spread over repeated runs with other numbers of threads (the same
seed), or over five seeds. Columns that no repetition moved are compared to ``RTOL``.
"""

import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from xaiutils import notebooks, runner
from xaiutils.notebooks import ROOT

RTOL = 1e-6  # of columns without a tolerance: float64 in another order of summation
FACTOR = 3  # tolerance = FACTOR * (largest - smallest value over the repetitions)
REPETITIONS = {"threads": [{"threads": n} for n in (1, 2, 4)], "seeds": [{"seed": n} for n in range(5)]}
HEADER = """# Absolute tolerance of a column: three times its spread over the repetitions named after `over`
# (threads: 1, 2 and 4 threads, same seed; seeds: 0 to 4), rounded up. Written by
# python -m xaiutils notebook NAME --reference TABLE ... [--over threads|seeds]
"""


def folder(root=ROOT) -> Path:
    return Path(root) / "tests" / "reference"


def tolerances(root=ROOT) -> dict:
    """Notebook -> table -> {"over": ..., "columns": {column: absolute tolerance}}."""
    path = folder(root) / "tolerances.yaml"
    return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}


def write(name, tables=(), over="threads", root=ROOT, progress=None):
    """Run notebook ``name`` repeatedly at the small profile; keep the first run's tables and the tolerances they need.

    ``tables`` names those to keep; default: those kept already, or all of them. ``over`` says what the repetitions vary.
    """
    name = notebooks.resolve(name, root)
    target = folder(root) / name
    runs = [_repeat(name, number, change, root, progress or runner.Progress())
            for number, change in enumerate(REPETITIONS[over])]
    written = sorted(path.stem for path in runs[0].glob("*.csv"))
    tables = list(tables) or sorted(path.stem for path in target.glob("*.csv")) or written
    for table in tables:
        if table not in written:
            raise ValueError(f"table must be one that notebook {name} saves, got {table!r}{notebooks.suggestion(table, written)}")
    target.mkdir(parents=True, exist_ok=True)
    known = tolerances(root)
    for table in tables:
        shutil.copy(runs[0] / f"{table}.csv", target / f"{table}.csv")
        columns = spread([pd.read_csv(run / f"{table}.csv") for run in runs])
        known.setdefault(name, {})[table] = {"over": over, "columns": columns}
    text = HEADER + yaml.safe_dump(known, sort_keys=True, allow_unicode=True)
    (folder(root) / "tolerances.yaml").write_text(text, encoding="utf-8")
    return target


def _repeat(name, number, change, root, progress) -> Path:
    """One repetition in a build folder of its own; the folder of its tables."""
    parameters = notebooks.profile_blocks("small", root).get(name, {}) | ({"seed": change["seed"]} if "seed" in change else {})
    build = notebooks.build_folder(root) / "reference" / str(number)
    task = runner.Task(name, parameters, "small", root=root, build=build)
    if errors := runner.run_all([task], 1, change.get("threads", 1), progress):
        raise RuntimeError(f"notebook {name} must run through to give references, got {errors[name]}")
    return task.folder / "tables"


def spread(frames) -> dict[str, float]:
    """Column -> tolerance, of the numeric columns that differ between ``frames`` by more than ``RTOL``."""
    columns = {}
    for column in frames[0].select_dtypes("number"):
        values = np.stack([frame[column].to_numpy(dtype=float) for frame in frames])
        largest = np.nanmax(values.max(0) - values.min(0), initial=0)
        if not np.allclose(values, values[0], rtol=RTOL, atol=0, equal_nan=True):
            columns[column] = _rounded_up(FACTOR * largest)
    return columns


def _rounded_up(value) -> float:
    """To two significant digits, never down."""
    unit = 10 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / unit - 1e-9) * unit:.2g}")


def compare(fresh, reference, columns):
    """AssertionError, naming the column, where table ``fresh`` is not ``reference`` within the tolerances of ``columns``."""
    assert list(fresh.columns) == list(reference.columns), f"columns {list(fresh.columns)}, reference {list(reference.columns)}"
    assert len(fresh) == len(reference), f"{len(fresh)} rows, reference {len(reference)}"
    for column in reference:
        if pd.api.types.is_numeric_dtype(reference[column]):
            atol = columns.get(column, 0)
            np.testing.assert_allclose(fresh[column], reference[column], rtol=0 if atol else RTOL, atol=atol, err_msg=f"column {column!r}")
        else:
            assert fresh[column].tolist() == reference[column].tolist(), f"column {column!r}"
