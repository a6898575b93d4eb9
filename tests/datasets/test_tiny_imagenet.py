import made_up_data as made_up
import pytest

from xaiutils.datasets import tiny_imagenet
from xaiutils.datasets.storage import DatasetMissing


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tiny_imagenet, "VALIDATION", 400)  # 6 pictures in 3 classes are to be complete
    return made_up.tiny_imagenet(tmp_path)


def test_training_pictures_come_class_by_class_in_the_order_of_their_numbers(folder):
    images = tiny_imagenet.read("train", folder.parent)
    assert images.pixels.shape == (36, 64, 64, 3)
    assert images.labels.tolist() == [0] * 12 + [1] * 12 + [2] * 12
    assert images.class_names == ["tabby", "goose", "cannon"]
    levels = images.pixels[:, 32, 32, 0].tolist()
    assert levels == [20 * label + number for label in range(3) for number in range(12)]  # 2 before 10
    assert images.names[11] == "train/n01/images/n01_11.JPEG"


def test_per_class_keeps_the_first_numbers(folder):
    images = tiny_imagenet.read("train", folder.parent, per_class=2)
    assert images.pixels[:, 0, 0, 0].tolist() == [0, 1, 20, 21, 40, 41]


def test_fewer_classes_are_the_first_ones(folder):
    images = tiny_imagenet.read("train", folder.parent, per_class=2, classes=2)
    assert images.pixels[:, 0, 0, 0].tolist() == [0, 1, 20, 21] and images.class_names == ["tabby", "goose"]
    assert tiny_imagenet.read("val", folder.parent, classes=2).labels.tolist() == [0, 1, 0, 1]


def test_training_pictures_are_counted_class_by_class(folder):
    assert tiny_imagenet.training_counts(folder.parent) == [12, 12, 12]
    (folder / "train" / "n02" / "images" / "n02_0.JPEG").unlink()
    assert sorted(tiny_imagenet.training_counts(folder.parent)) == [11, 12, 12]


def test_validation_labels_come_from_the_annotations_and_grey_files_get_three_channels(folder):
    images = tiny_imagenet.read("val", folder.parent)
    assert images.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert images.pixels[:, 5, 5].tolist() == [[100 + n] * 3 for n in range(6)]


def test_what_is_missing_is_named(folder):
    (folder / "val" / "images" / "val_3.JPEG").unlink()
    with pytest.raises(
        DatasetMissing,
        match=r"has 5 pictures, expected 6 \(first one missing: val/images/val_3.JPEG\); get it",
    ):
        tiny_imagenet.read("val", folder.parent)
    (folder / "train" / "n02" / "images" / "n02_0.JPEG").unlink()
    with pytest.raises(DatasetMissing, match=r"hold 11 to 12 pictures a class, expected the same number"):
        tiny_imagenet.read("train", folder.parent)
    (folder / "wnids.txt").unlink()
    with pytest.raises(
        DatasetMissing, match=r"wnids.txt' is missing; get it with `make data DATASET=tiny-imagenet`"
    ):
        tiny_imagenet.read("train", folder.parent)


def test_more_pictures_than_there_are_cannot_be_asked_for(folder):
    with pytest.raises(
        DatasetMissing, match=r"hold 12 to 12 pictures a class, expected the same number \(13\)"
    ):
        tiny_imagenet.read("train", folder.parent, per_class=13)


def test_an_unknown_split_is_refused(tmp_path):
    with pytest.raises(ValueError, match="split must be 'train' or 'val', got 'test'"):
        tiny_imagenet.read("test", tmp_path)
