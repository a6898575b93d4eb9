import os
import pickle

import made_up_data as made_up
import numpy as np
import pytest

from xaiutils.datasets import cifar
from xaiutils.datasets.storage import DatasetMissing


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(cifar, "COUNTS", {"train": 10, "test": 4})


def write_archive(
    root, folder="cifar-10-batches-py", label_key="labels", meta=("batches.meta", "label_names")
):
    """Five batches of two pictures and a test batch of four; picture n is red n, green 100 + n, blue 200 +
    n."""
    (root / folder).mkdir()
    pictures = (
        np.repeat(np.arange(14)[:, None, None] + np.array([0, 100, 200])[None, :, None], 1024, 2)
        .reshape(14, -1)
        .astype(np.uint8)
    )
    for name, rows in [(f"data_batch_{i}", [2 * i - 2, 2 * i - 1]) for i in range(1, 6)] + [
        ("test_batch", [10, 11, 12, 13])
    ]:
        batch = {
            "data": pictures[rows],
            label_key: [row % 3 for row in rows],
            "filenames": [f"{row}.png" for row in rows],
        }
        (root / folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    (root / folder / meta[0]).write_bytes(pickle.dumps({meta[1]: ["cat", "dog", "ship"]}, protocol=2))


def test_the_archive_is_read_with_its_colour_planes_in_order(tmp_path):
    write_archive(tmp_path)
    images = cifar.read("cifar10", "train", tmp_path)
    assert images.pixels.shape == (10, 32, 32, 3)
    assert images.pixels[:, 7, 9].tolist() == [[n, 100 + n, 200 + n] for n in range(10)]
    assert images.labels.tolist() == [n % 3 for n in range(10)]
    assert images.class_names == ["cat", "dog", "ship"] and images.names[3] == "3.png"
    assert cifar.read("cifar10", "test", tmp_path).pixels[:, 0, 0, 0].tolist() == [10, 11, 12, 13]


def test_cifar100_has_its_own_files_and_fine_labels(tmp_path):
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    batch = {
        "data": np.zeros((4, 3072), np.uint8),
        "fine_labels": [1, 0, 1, 1],
        "coarse_labels": [5] * 4,
        "filenames": list("abcd"),
    }
    (folder / "test").write_bytes(pickle.dumps(batch))
    (folder / "meta").write_bytes(
        pickle.dumps({"fine_label_names": ["apple", "bear"], "coarse_label_names": ["x"]})
    )
    images = cifar.read("cifar100", "test", tmp_path)
    assert images.labels.tolist() == [1, 0, 1, 1] and images.class_names == ["apple", "bear"]


def test_jpeg_folders_are_read_class_by_class(tmp_path):
    for label, name in enumerate(("airplane", "truck")):
        for number in range(2):
            made_up.picture(
                tmp_path / "cifar-10-images" / "test" / name / f"{number:04}.jpg",
                (80 * label + number,) * 3,
                size=32,
            )
    images = cifar.read("cifar10", "test", tmp_path)
    assert images.labels.tolist() == [0, 0, 1, 1] and images.class_names == ["airplane", "truck"]
    assert images.pixels[:, 4, 4, 1].tolist() == [0, 1, 80, 81]


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.system, ("true",)

    write_archive(tmp_path)
    (tmp_path / "cifar-10-batches-py" / "test_batch").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(pickle.UnpicklingError, match="may hold arrays only, got posix.system"):
        cifar.read("cifar10", "test", tmp_path)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(
        DatasetMissing, match=r"cifar10 is missing: neither .* get it with `make data DATASET=cifar10`"
    ):
        cifar.read("cifar10", "train", tmp_path)
    write_archive(tmp_path)
    (tmp_path / "cifar-10-batches-py" / "data_batch_4").unlink()
    with pytest.raises(DatasetMissing, match=r"data_batch_4' is missing"):
        cifar.read("cifar10", "train", tmp_path)


def test_another_number_of_pictures_is_refused(tmp_path, monkeypatch):
    write_archive(tmp_path)
    monkeypatch.setitem(cifar.COUNTS, "test", 5)
    with pytest.raises(DatasetMissing, match=r"cifar10's test set must hold 5 pictures, found 4"):
        cifar.read("cifar10", "test", tmp_path)


def test_wrong_names_are_refused(tmp_path):
    with pytest.raises(ValueError, match="dataset must be one of cifar10, cifar100, got 'mnist'"):
        cifar.read("mnist", "train", tmp_path)
    with pytest.raises(ValueError, match="split must be 'train' or 'test', got 'val'"):
        cifar.read("cifar10", "val", tmp_path)
