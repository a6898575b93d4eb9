"""The packaging files agree with each other and with what the code imports."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
IMPORT_NAMES = {"scikit-learn": "sklearn", "scikit-image": "skimage", "pyyaml": "yaml", "pillow": "PIL", "ipython": "IPython"}


def name_of(requirement):
    return re.split(r"[<>=\[; ]", requirement)[0].lower().replace("_", "-")


def requirements():
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    return [r for group in groups for r in group if not r.startswith("xaiutils")]


def pins():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(re.fullmatch(r"([\w.-]+)==([\w.]+)", line).groups() for line in lines if line and not line.startswith("#"))


def test_every_requirement_is_pinned_at_a_version_it_allows():
    pinned = {name.lower().replace("_", "-"): version for name, version in pins().items()}
    for requirement in requirements():
        assert name_of(requirement) in pinned, requirement
        version = pinned[name_of(requirement)]
        for sign, bound in re.findall(r"(>=|<)([\d.]+)", requirement):
            have, limit = ([int(n) for n in re.findall(r"\d+", text)] for text in (version, bound))
            assert have >= limit if sign == ">=" else have < limit, requirement


def test_conda_installs_what_pip_installs():
    python, (pip,) = ENVIRONMENT["dependencies"][0], [d["pip"] for d in ENVIRONMENT["dependencies"] if isinstance(d, dict)]
    assert pip == ["-c constraints.txt", "-e .[all]"] and "pip" in ENVIRONMENT["dependencies"]
    least = [int(n) for n in PROJECT["requires-python"].removeprefix(">=").split(".")]
    assert [int(n) for n in python.removeprefix("python=").split(".")] >= least


def test_all_means_every_extra_but_the_peers():
    extras = PROJECT["optional-dependencies"]
    named = re.fullmatch(r"xaiutils\[(.*)\]", *extras["all"])[1].split(",")
    assert sorted(named) == sorted(extras.keys() - {"all", "peers"})


def test_what_the_package_imports_is_required():
    required = {IMPORT_NAMES.get(name_of(r), name_of(r)).replace("-", "_") for r in requirements()}
    imported = set()
    for file in (ROOT / "xaiutils").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
            imported |= {name.split(".")[0] for name in names}
    assert imported - sys.stdlib_module_names - {"xaiutils"} <= required


def test_the_five_documents_are_cited():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0" and citation["license"] == "BSD-3-Clause" == PROJECT["license"]["text"]
    assert [reference["year"] for reference in citation["references"][:4]] == [2021, 2021, 2023, 2020]
    assert len(citation["references"]) == 5
    import xaiutils
    assert citation["version"] == xaiutils.__version__


def test_the_makefile_lists_its_targets():
    rules = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert rules == {"help", "reproduce", "test", "lab", "notebook", "report", "bench", "train", "data", "clean"}
