"""What the comparison of stored and fresh outputs lets pass, on one tiny notebook."""

import subprocess
import sys
from pathlib import Path

import nbformat
import nbformat.v4 as nbf

HERE = Path(__file__).resolve().parent
CELLS = {  # code -> stored output
    "print('the same')": nbf.new_output("stream", text="the same\n"),
    "print('verdict: holds')": nbf.new_output("stream", text="verdict: contradicted\n"),
    "print(object())": nbf.new_output("stream", text="<object object at 0x7f0000000000>\n"),
    "import sys\nprint('a warning', file=sys.stderr)": nbf.new_output("stream", name="stderr", text="another warning\n"),
    "import os\nprint(os.environ['XAIUTILS_BUILD'].endswith('build/test'), os.environ['XAIUTILS_PROFILE'])":
        nbf.new_output("stream", text="True small\n"),
}


def test_a_changed_word_fails_and_addresses_and_warnings_do_not(tmp_path):
    cells = [nbf.new_code_cell(source, outputs=[stored], execution_count=i + 1) for i, (source, stored) in enumerate(CELLS.items())]
    nbformat.write(nbf.new_notebook(cells=cells), tmp_path / "tiny.ipynb")
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "--nbval-sanitize-with", HERE / "sanitize.cfg",
               "-p", "tests.notebooks.conftest", "-p", "no:cacheprovider", "-rA", tmp_path]
    said = subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True, check=False).stdout
    assert "1 failed, 4 passed" in said
    assert "FAILED" in said and "Cell 1" in said and "verdict: contradicted" in said
