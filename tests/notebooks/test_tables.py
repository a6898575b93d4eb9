"""The numbers of a fresh run of the notebooks against ``tests/reference``, within its tolerances."""

import pandas as pd
import pytest

from xaiutils import notebooks, reference, runner

ROOT = notebooks.ROOT
BUILD = ROOT / "build" / "test"  # where nbval's run of the notebooks wrote its tables
TABLES = sorted(path.relative_to(reference.folder()).with_suffix("").as_posix() for path in reference.folder().rglob("*.csv"))


@pytest.fixture(scope="module")
def fresh_tables():
    """Notebook -> folder of the tables of a run that is newer than its sources; runs it where nbval has not just done so."""
    sources = max(path.stat().st_mtime for path in (ROOT / "xaiutils").rglob("*.py"))

    def tables_of(name):
        folder = BUILD / "small" / name / "tables"
        newest = max((path.stat().st_mtime for path in folder.glob("*.csv")), default=0)
        if newest < max(sources, notebooks.path_of(name).stat().st_mtime):
            assert not runner.run_all([runner.Task(name, {}, "small", build=BUILD)], 1, 1, runner.Progress())
        return folder

    return tables_of


@pytest.mark.parametrize("table", TABLES)
def test_table(table, fresh_tables):
    name, _, stem = table.rpartition("/")
    columns = reference.tolerances()[name][stem]["columns"]
    fresh = pd.read_csv(fresh_tables(name) / f"{stem}.csv")
    reference.compare(fresh, pd.read_csv(reference.folder() / f"{table}.csv"), columns)


def test_each_tolerance_belongs_to_a_column_of_a_table():
    for name, tables in reference.tolerances().items():
        for table, entry in tables.items():
            assert entry["over"] in reference.REPETITIONS
            assert set(entry["columns"]) <= set(pd.read_csv(reference.folder() / name / f"{table}.csv").columns)
