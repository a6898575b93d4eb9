import made_up_data
import numpy as np
import pytest
import torch

from xaiutils import datasets


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Six validation pictures of Tiny ImageNet in three classes, and two ImageNet photographs."""
    made_up_data.tiny_imagenet(tmp_path)
    monkeypatch.setattr(datasets.explained.tiny_imagenet, "VALIDATION", 400)       # 6 pictures for 3 of 200 classes
    for name in ("7_cock.jpg", "99_goose.jpg"):
        made_up_data.picture(tmp_path / "some" / "n01" / name, (10, 20, 30))
    return tmp_path


def test_embedded_photographs_need_no_folder():
    found = datasets.explained_pictures("embedded", 2, 32)
    assert torch.equal(found.inputs, datasets.photographs(2, 32).inputs) and found.labels == datasets.photographs(2, 32).labels


def test_files_are_the_packages_or_drawn_from_a_folder(root):
    assert datasets.explained_files("embedded", 3) == datasets.photograph_files(3)
    drawn = datasets.explained_files("some", 2, seed=1, root=root)
    paths = [root / "some" / "n01" / name for name in ("7_cock.jpg", "99_goose.jpg")]
    assert drawn == [(paths[k], (7, 99)[k]) for k in np.random.default_rng(1).permutation(2)]
    with pytest.raises(FileNotFoundError, match="embeded"):
        datasets.explained_files("embeded", 1, root=root)


def test_validation_pictures_are_drawn_by_the_seed_and_smaller_draws_are_their_beginning(root):
    drawn = datasets.explained_pictures("tiny-imagenet", 5, 64, seed=3, root=root)
    order = np.random.default_rng(3).permutation(6)[:5]
    assert drawn.names == [f"val/images/val_{index}.JPEG" for index in order]
    assert drawn.labels == [index % 3 for index in order]
    assert (drawn.inputs[0, :, 30, 30] * 255).tolist() == pytest.approx([100 + order[0]] * 3, abs=1)
    fewer = datasets.explained_pictures("tiny-imagenet", 2, 64, seed=3, root=root)
    assert torch.equal(fewer.inputs, drawn.inputs[:2]) and fewer.names == drawn.names[:2]


def test_a_class_may_go_in_front(root):
    drawn = datasets.explained_pictures("tiny-imagenet", 6, 32, first="goose", root=root)
    assert drawn.names[0] == "val/images/val_1.JPEG" and sorted(drawn.labels) == [0, 0, 1, 1, 2, 2]
    assert drawn.inputs.shape == (6, 3, 32, 32)
    with pytest.raises(ValueError, match="first must be the name of a class of tiny-imagenet, got 'dog'"):
        datasets.explained_pictures("tiny-imagenet", 1, 64, first="dog", root=root)
    with pytest.raises(ValueError, match="n must be an integer from 1 to 6, got 7"):
        datasets.explained_pictures("tiny-imagenet", 7, 64, root=root)


def test_any_other_word_is_a_folder(root):
    found = datasets.explained_pictures("some", 2, 16, root=root)
    assert sorted(found.labels) == [7, 99] and found.inputs.shape == (2, 3, 16, 16)


def test_only_one_class_may_be_asked_for(root):
    drawn = datasets.explained_pictures("tiny-imagenet", 2, 64, only="cannon", root=root)
    assert sorted(drawn.names) == ["val/images/val_2.JPEG", "val/images/val_5.JPEG"] and drawn.labels == [2, 2]
    with pytest.raises(ValueError, match="n must be an integer from 1 to 2, got 3"):
        datasets.explained_pictures("tiny-imagenet", 3, 64, only="cannon", root=root)
    with pytest.raises(ValueError, match="only must be the name of a class of tiny-imagenet, got 'dog'"):
        datasets.explained_pictures("tiny-imagenet", 1, 64, only="dog", root=root)
