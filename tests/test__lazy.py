import sys

import pytest


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package ``lazy_example`` whose public name ``answer`` lives in its submodule ``numbers_``."""
    folder = tmp_path / "lazy_example"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        'from xaiutils._lazy import lazily\n__getattr__, __dir__ = lazily(__name__, {"answer": "numbers_"})\n'
    )
    (folder / "numbers_.py").write_text("answer = 42\n")
    (folder / "other.py").write_text("letter = 'x'\n")
    monkeypatch.syspath_prepend(tmp_path)
    import lazy_example

    yield lazy_example
    for name in [name for name in sys.modules if name.startswith("lazy_example")]:
        del sys.modules[name]


def test_a_submodule_is_imported_when_its_name_is_asked_for(package):
    assert "lazy_example.numbers_" not in sys.modules
    assert package.answer == 42
    assert "lazy_example.numbers_" in sys.modules


def test_submodules_have_their_own_names(package):
    assert package.other.letter == "x"


def test_an_unknown_name_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match="'lazy_example' has no attribute 'question'"):
        getattr(package, "question")  # noqa: B009


def test_dir_lists_the_public_names(package):
    assert dir(package) == ["answer"]
