import numpy as np
import pytest
import torch
from PIL import Image

from xaiutils.datasets.storage import DatasetMissing, LabelledImages, data_root, read_pictures, require


def test_data_root_is_the_argument_then_the_environment(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    monkeypatch.setenv("XAI_DATA", str(tmp_path / "a"))
    assert data_root() == tmp_path / "a"
    assert data_root(tmp_path / "b") == tmp_path / "b"


def test_data_root_says_what_is_wrong(tmp_path, monkeypatch):
    monkeypatch.delenv("XAI_DATA", raising=False)
    with pytest.raises(DatasetMissing, match="set XAI_DATA to one, or pass root="):
        data_root()
    with pytest.raises(DatasetMissing, match=r"nowhere' does not exist"):
        data_root(tmp_path / "nowhere")


def test_require_names_data_set_path_and_remedy(tmp_path):
    assert require(tmp_path, "Digits", "ask") == tmp_path
    with pytest.raises(DatasetMissing, match=r"Digits is incomplete: '.*/x' is missing; ask"):
        require(tmp_path / "x", "Digits", "ask")


def test_pictures_are_read_once_and_again_when_a_file_changes(tmp_path):
    for name, colour in (("a.png", (1, 2, 3)), ("b.png", (4, 5, 6))):
        Image.new("RGB", (2, 3), colour).save(tmp_path / name)
    names, cache = ["a.png", "b.png"], tmp_path / "cache" / "two"
    first = read_pictures(tmp_path, names, cache)
    assert first.shape == (2, 3, 2, 3) and first.dtype == torch.uint8
    assert first[:, 0, 0].tolist() == [[1, 2, 3], [4, 5, 6]]
    (kept,) = (tmp_path / "cache").iterdir()
    np.save(kept, np.full((2, 3, 2, 3), 9, dtype=np.uint8))  # what is kept is what is read ...
    assert (read_pictures(tmp_path, names, cache) == 9).all()
    noise = np.random.default_rng(0).integers(0, 255, (3, 2, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "b.png")  # ... until a file has another size
    assert (read_pictures(tmp_path, names, cache)[1].numpy() == noise).all()


def test_pictures_of_different_sizes_are_refused(tmp_path):
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png")
    Image.new("RGB", (3, 3)).save(tmp_path / "b.png")
    with pytest.raises(
        ValueError, match=r"b\.png has the shape \(3, 3, 3\), the pictures before it \(2, 2, 3\)"
    ):
        read_pictures(tmp_path, ["a.png", "b.png"], tmp_path / "cache")


def test_inputs_are_channels_first_in_unit_range():
    pixels = torch.tensor([0, 51, 255], dtype=torch.uint8).expand(2, 4, 5, 3)
    images = LabelledImages(pixels, torch.tensor([0, 1]), ["a", "b"], ["x", "y"])
    inputs = images.inputs([1])
    assert len(images) == 2 and inputs.shape == (1, 3, 4, 5)
    torch.testing.assert_close(inputs[0, :, 0, 0], torch.tensor([0.0, 0.2, 1.0]))
