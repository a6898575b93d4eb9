"""One notebook in one process: what the runner starts, ``python -m xaiutils._execute run|store SOURCE TARGET PARAMETERS``.

``run`` injects the parameters (JSON) and executes by papermill; ``store`` executes by nbconvert without timing, for the
outputs that are committed. Standard output carries one line an event, ``cell 3 of 20`` and ``error ValueError: ...``;
what libraries say goes to standard error, the notebook's log.

The kernel is this interpreter's own, whatever kernels are registered on the machine, and it is reached through socket
files where there are any: kernels that start at the same moment can pick the same TCP port.
"""

import json
import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def own_kernel():
    """Make the kernel ``python3`` mean this interpreter; yields the configuration of its connection."""
    from ipykernel.kernelspec import write_kernel_spec
    from traitlets.config import Config

    with tempfile.TemporaryDirectory(prefix="xai") as folder:
        write_kernel_spec(os.path.join(folder, "kernels", "python3"))
        os.environ["JUPYTER_PATH"] = folder
        sockets = {} if os.name == "nt" else {"transport": "ipc", "ip": os.path.join(folder, "s")}
        yield Config(KernelManager=sockets)


def run(source, target, parameters, **client):
    """Execute ``source`` with ``parameters`` into ``target``; what ran is there also when a cell fails."""
    import papermill

    papermill.execute_notebook(source, target, parameters, kernel_name="python3", language="python",
                               cwd=str(Path(source).parent), progress_bar=False, **client)


def store(source, target, parameters, **client):
    """Execute ``source`` and write it with outputs to ``target``, without anything that changes from run to run."""
    import nbformat
    from nbconvert.preprocessors import ExecutePreprocessor

    notebook = nbformat.read(source, as_version=4)
    executor = ExecutePreprocessor(kernel_name="python3", timeout=None, record_timing=False, store_widget_state=False, **client)
    executor.preprocess(notebook, {"metadata": {"path": str(Path(source).parent)}})
    notebook.metadata.language_info.pop("version", None)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):  # a widget's random id means nothing once its kernel is gone
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    nbformat.write(notebook, target)


def main(action, source, target, parameters):
    from nbclient.exceptions import CellExecutionError
    from papermill.exceptions import PapermillExecutionError

    n_cells = len(json.loads(Path(source).read_text(encoding="utf-8"))["cells"])
    injected = json.loads(parameters)

    def announce(cell, cell_index):
        print(f"cell {cell_index + 1} of {n_cells + (action == 'run' and bool(injected))}", flush=True)

    try:
        with own_kernel() as config:
            {"run": run, "store": store}[action](source, target, injected, config=config, on_cell_start=announce)
    except (PapermillExecutionError, CellExecutionError) as error:
        print(error, file=sys.stderr)
        print(f"error {error.ename}: {' '.join(error.evalue.split())}", flush=True)
        return 1
    except Exception as error:
        print(f"error {type(error).__name__}: {' '.join(str(error).split())}", flush=True)
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
