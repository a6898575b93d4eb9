"""How nbval runs the notebooks, loaded by ``-p tests.notebooks.conftest`` (see ``xaiutils test``).

Stored and fresh outputs are compared as text; pictures and what goes to standard error are not. The run writes its tables
to ``build/test``, where ``test_tables.py`` reads them: notebooks run once.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "test"


def pytest_configure(config):
    if config.getoption("nbval", False):
        os.environ.update(XAIUTILS_BUILD=str(BUILD), XAIUTILS_PROFILE="small")
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))


def pytest_collectstart(collector):
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr", "image/svg+xml")
