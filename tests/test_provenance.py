import datetime
import subprocess
from pathlib import Path

import torch

from xaiutils import provenance as module
from xaiutils.provenance import provenance


def test_what_a_run_was_made_of():
    parameters = {"seed": 3, "device": "cpu", "ks": [1, 5]}
    found = provenance("medium", parameters)
    assert (found["profile"], found["seed"], found["parameters"]) == ("medium", 3, parameters)
    assert found["versions"]["torch"] == torch.__version__ and found["threads"] == torch.get_num_threads()
    assert found["device"].startswith("cpu (") and found["date"] == datetime.date.today().isoformat()


def checkout(folder, monkeypatch):
    def git(*command):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        answer = subprocess.run(
            ["git", *identity, *command], cwd=folder, check=True, capture_output=True, text=True
        )
        return answer.stdout.strip()

    monkeypatch.setattr(module, "__file__", str(folder / "provenance.py"))
    git("init", "-q")
    (folder / "provenance.py").write_text("")
    git("add", ".")
    git("commit", "-qm", "first")
    return git("rev-parse", "HEAD")


def test_commit_and_changed_files(tmp_path, monkeypatch):
    head = checkout(tmp_path, monkeypatch)
    clean = provenance("small", {"seed": 0, "device": "cpu"})
    assert (clean["commit"], clean["dirty"]) == (head, False)
    (tmp_path / "new.py").write_text("")
    assert provenance("small", {"seed": 0, "device": "cpu"})["dirty"] is True


def test_outside_a_checkout_the_commit_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "__file__", str(tmp_path / "provenance.py"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(Path(tmp_path).parent))
    found = provenance("small", {"seed": 0, "device": "cpu"})
    assert (found["commit"], found["dirty"]) == (None, None)
