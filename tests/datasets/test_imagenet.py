import json

import pytest
import torch
from PIL import Image

from xaiutils.datasets import imagenet_files, imagenet_folder


def picture(path, value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (value,) * 3).save(path)


@pytest.fixture
def indexed(tmp_path):
    """Three classes, the index in the file's name; the grey value is the class index."""
    root = tmp_path / "imagenet-200"
    for wnid, index in [("n01440764", 0), ("n01532829", 5), ("n13040303", 200)]:
        picture(root / wnid / f"{index:04d}_name.png", index)
    return root


def test_the_class_index_is_read_from_the_file_name(indexed):
    images = imagenet_folder(indexed, size=8)
    assert images.labels == [0, 5, 200] and images.names == ["0000_name.png", "0005_name.png", "0200_name.png"]
    torch.testing.assert_close(images.inputs[:, 0, 0, 0], torch.tensor([0, 5, 200]) / 255)


def test_the_default_folder_lies_in_xai_data(indexed, monkeypatch):
    monkeypatch.setenv("XAI_DATA", str(indexed.parent))
    assert imagenet_folder(size=8).labels == [0, 5, 200]


def test_a_smaller_draw_is_the_start_of_a_larger_one(indexed):
    large = imagenet_files(indexed, n=3, seed=1)
    assert imagenet_files(indexed, n=2, seed=1) == large[:2]
    assert sorted(large) == sorted(imagenet_files(indexed))
    orders = {tuple(label for _, label in imagenet_files(indexed, n=3, seed=seed)) for seed in range(20)}
    assert len(orders) == 6  # every order of three comes up in twenty seeds


@pytest.mark.parametrize("split", ["", "val"])
def test_official_folders_are_numbered_in_the_order_of_the_wnids(tmp_path, split):
    for index in reversed(range(1000)):
        (tmp_path / split / f"n{index:08d}").mkdir(parents=True)
    for index in (999, 0, 42):
        picture(tmp_path / split / f"n{index:08d}" / f"ILSVRC2012_val_{index:08d}.JPEG")
    assert [label for _, label in imagenet_files(tmp_path)] == [0, 42, 999]


def test_part_of_the_official_folders_needs_the_table_of_classes(tmp_path):
    picture(tmp_path / "n01440764" / "n01440764_10026.JPEG")
    with pytest.raises(FileNotFoundError, match="imagenet_class_index.json with n01440764"):
        imagenet_files(tmp_path)
    (tmp_path / "imagenet_class_index.json").write_text(json.dumps({"7": ["n01440764", "made up"]}))
    assert [label for _, label in imagenet_files(tmp_path)] == [7]


def test_a_broken_file_is_skipped_by_name_and_the_rest_goes_on(indexed):
    (indexed / "n01532829" / "0005_name.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning, match="1 of 3 images were skipped.*0005_name.png"):
        images = imagenet_folder(indexed, size=8)
    assert images.labels == [0, 200] and images.skipped[0][0] == "0005_name.png"


def test_a_missing_folder_says_where_to_get_it(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="nowhere.* does not exist; ImageNet is at https://image-net.*XAI_DATA"):
        imagenet_folder(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="has none; ImageNet is at"):
        imagenet_folder(tmp_path)
    monkeypatch.delenv("XAI_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="XAI_DATA"):
        imagenet_folder()


@pytest.mark.parametrize("n", [0, 4, 1.5, True])
def test_more_photographs_than_there_are_is_refused(indexed, n):
    with pytest.raises(ValueError, match="n must be an integer from 1 to 3"):
        imagenet_files(indexed, n=n)
