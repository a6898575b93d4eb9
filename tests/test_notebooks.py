"""Names, parameters, profiles and fingerprints of notebooks."""

import pytest
from tiny_workbook import add_ledger, add_notebook, add_profile

from xaiutils import notebooks


@pytest.fixture
def root(tmp_path):
    add_notebook(tmp_path, "00_start", "1")
    add_notebook(tmp_path, "doc/sec1", "n", parameters="n_images = 2  # few\nrate: float = 0.5\nnames = ['a']\nlow = None\nfast = True")
    return tmp_path


def test_names_leave_checkpoints_out(root):
    add_notebook(root, "doc/.ipynb_checkpoints/sec1-checkpoint")
    assert notebooks.names(root) == ["00_start", "doc/sec1"]


def test_a_notebook_may_be_named_by_its_path(root):
    assert notebooks.resolve("notebooks/doc/sec1.ipynb", root) == "doc/sec1"


def test_unknown_notebook_gets_the_nearest_name(root):
    with pytest.raises(ValueError, match="'doc/sec2'; did you mean 'doc/sec1'"):
        notebooks.resolve("doc/sec2", root)


def test_select_by_glob(root):
    assert notebooks.select([], root) == ["00_start", "doc/sec1"]
    assert notebooks.select(["doc/*"], root) == ["doc/sec1"]
    with pytest.raises(ValueError, match="only must fit at least one notebook, got 'dok/\\*'"):
        notebooks.select(["doc/*", "dok/*"], root)


def test_defaults_are_the_literals_of_the_parameters_cell(root):
    assert notebooks.defaults("doc/sec1", root) == {"n_images": 2, "rate": 0.5, "names": ["a"], "low": None, "fast": True}


@pytest.mark.parametrize("cell", ["n = 2 * 3", "import os", "a, b = 1, 2", "a = b = 1", "n = len('a')", "n: int", "seed += 1"])
def test_parameters_cell_holds_literals_only(tmp_path, cell):
    add_notebook(tmp_path, "bad", parameters=f"seed = 0\n{cell}")
    with pytest.raises(ValueError, match="parameters of notebook bad must be lines like `seed = 0`"):
        notebooks.defaults("bad", tmp_path)


@pytest.mark.parametrize("given", [{"n_images": 3}, {"rate": 1}, {"low": 0.1}, {"low": None}, {"names": []}, {"fast": False}])
def test_values_of_the_defaults_kind_pass(root, given):
    assert notebooks.check_parameters("doc/sec1", given, root) == given


@pytest.mark.parametrize("given", [{"n_images": 2.5}, {"n_images": "3"}, {"n_images": True}, {"names": "a"}, {"fast": 1},
                                   {"low": {"a": 1}}, {"names": ("a",)}])
def test_values_of_another_kind_are_refused(root, given):
    with pytest.raises(TypeError, match=f"parameter {next(iter(given))} of notebook doc/sec1 must be of the kind"):
        notebooks.check_parameters("doc/sec1", given, root)


def test_unknown_parameter_gets_the_nearest_name(root):
    with pytest.raises(ValueError, match="got 'n_image'; did you mean 'n_images'"):
        notebooks.check_parameters("doc/sec1", {"n_image": 3}, root)


def test_profiles_are_checked_whole(root):
    assert notebooks.profile_blocks("small", root) == {}
    add_profile(root, "medium", "doc/sec1: {n_images: 200}\n00_start:\n")
    assert notebooks.profile_blocks("medium", root) == {"doc/sec1": {"n_images": 200}, "00_start": {}}
    add_profile(root, "paper", "doc/sec1: {n_image: 200}")
    with pytest.raises(ValueError, match="profiles/paper.yaml: parameter must be one .* did you mean 'n_images'"):
        notebooks.profile_blocks("paper", root)
    add_profile(root, "paper", "doc/sec9: {}")
    with pytest.raises(ValueError, match="profiles/paper.yaml: notebook must be one"):
        notebooks.profile_blocks("paper", root)
    with pytest.raises(ValueError, match="profile must be one of small, medium, paper, got 'large'"):
        notebooks.profile_blocks("large", root)


def test_fingerprint_changes_with_what_decides_the_results_and_with_nothing_else(root):
    def now(parameters=None, profile="small"):
        return notebooks.fingerprint("doc/sec1", parameters or {}, profile, root)

    package = root / "xaiutils"
    package.mkdir()
    (package / "core.py").write_text("a = 1")
    before = now()
    (root / "data" / "recorded" / "doc" / "sec2").mkdir(parents=True)
    (root / "data" / "recorded" / "doc" / "sec2" / "claims.json").write_text("another notebook's")
    (package / "report.py").write_text("does not touch results")
    add_notebook(root, "00_start", "2")
    assert now() == before
    assert len({before, now({"n_images": 3}), now(profile="medium")}) == 3
    seen = [before]
    for change in (lambda: (package / "core.py").write_text("a = 2"), lambda: add_ledger(root),
                   lambda: add_notebook(root, "doc/sec1", "n + 1")):
        change()
        seen.append(now())
    assert len(set(seen)) == 4


def test_stored_outputs_do_not_count_as_a_change(root):
    import nbformat

    before = notebooks.fingerprint("doc/sec1", {}, "small", root)
    path = notebooks.path_of("doc/sec1", root)
    stored = nbformat.read(path, as_version=4)
    stored.cells[-1].outputs = [nbformat.v4.new_output("stream", text="2")]
    nbformat.write(stored, path)
    assert notebooks.fingerprint("doc/sec1", {}, "small", root) == before


def test_build_folder(root, monkeypatch, tmp_path_factory):
    monkeypatch.delenv("XAIUTILS_BUILD", raising=False)
    assert notebooks.build_folder(root) == root / "build"
    monkeypatch.setenv("XAIUTILS_BUILD", "build/test")
    assert notebooks.build_folder(root) == root / "build" / "test"
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setenv("XAIUTILS_BUILD", str(elsewhere))
    assert notebooks.build_folder(root) == elsewhere
