import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from xaiutils import datasets, models
from xaiutils.datasets.embedded import package_folder


def test_the_embedded_network_names_17_of_the_20_photographs():
    images = datasets.photographs()
    with torch.no_grad():
        predicted = models.load("efficientnet-lite0")(images.inputs).argmax(1)
    assert len(images) == 20 and not images.skipped
    assert (predicted == torch.tensor(images.labels)).sum() == 17


def test_photographs_are_the_files_resized_by_pil_bicubic():
    images = datasets.photographs(2)
    assert images.names == ["imagenet_00_243.jpg", "imagenet_01_559.jpg"] and images.labels == [243, 559]
    for row, name in zip(images.inputs, images.names):
        whole = Image.open(package_folder("foolbox") / "data" / name).convert("RGB")
        expected = np.asarray(whole.resize((224, 224), Image.Resampling.BICUBIC)).transpose(2, 0, 1) / np.float32(255)
        np.testing.assert_array_equal(row.numpy(), expected)


def test_files_can_be_read_one_at_a_time():
    images, files = datasets.photographs(3), datasets.photograph_files(3)
    assert [(path.name, label) for path, label in files] == list(zip(images.names, images.labels))
    assert torch.equal(datasets.read_image(files[2][0]), images.inputs[2:])


@pytest.mark.parametrize(("name", "label"), [("chelsea", "Egyptian cat"), ("coffee", "espresso")])
def test_labelled_photographs_are_recognised(name, label):
    image, network = datasets.photograph(name), models.load("efficientnet-lite0")
    assert network.class_names[image.labels[0]] == label
    with torch.no_grad():
        assert network(image.inputs).argmax(1).tolist() == image.labels


def test_photographs_come_without_importing_foolbox():
    script = "import sys; from xaiutils import datasets; datasets.photographs(1, 8); print('foolbox' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "False"


@pytest.mark.parametrize("n", [0, 21, 2.0, True])
def test_a_number_of_photographs_that_does_not_exist_is_refused(n):
    with pytest.raises(ValueError, match="n must be an integer from 1 to 20"):
        datasets.photographs(n)


def test_an_unknown_photograph_is_refused_with_the_known_names():
    with pytest.raises(ValueError, match="name must be one of astronaut, .*got 'cat'"):
        datasets.photograph("cat")


def test_a_package_that_is_not_installed_is_named_with_its_pip_name(monkeypatch):
    monkeypatch.setattr("xaiutils.datasets.embedded.find_spec", lambda package: None)
    with pytest.raises(ModuleNotFoundError, match="pip install scikit-image"):
        datasets.photograph("chelsea")
