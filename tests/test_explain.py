"""Explaining a photograph of one's own, with a linear network whose answers are known."""

import numpy as np
import pytest
import torch
from PIL import Image

from xaiutils import explain as command
from xaiutils.explain import explain, find_class, top_classes

NAMES = ["tabby cat", "tiger cat", "Egyptian cat", "crane", "crane bird", "goose"]


class Linear(torch.nn.Module):
    """Logits W x of a 4 x 4 picture; only class 5 sees anything, and only red: the mean of the red pixels, times 10."""

    class_names, input_size, input_shape = NAMES, 4, (3, 4, 4)

    def __init__(self):
        super().__init__()
        weight = torch.zeros(len(NAMES), 3, 4, 4)
        weight[5, 0] = 10 / 16
        self.layer = torch.nn.Linear(48, len(NAMES), bias=False)
        self.layer.weight.data = weight.flatten(1)

    def forward(self, x):
        return self.layer(x.flatten(1))


@pytest.fixture
def photo(tmp_path, monkeypatch):
    monkeypatch.setattr(command.models, "load", lambda name, download: Linear().eval())
    path = tmp_path / "my photo.png"
    Image.new("RGB", (8, 8), (255, 0, 0)).save(path)
    return path


@pytest.mark.parametrize("wanted, index", [("pred", "pred"), ("3", 3), (0, 0), ("goose", 5), ("TIGER", 1), ("egypt", 2), ("crane", 3),
                                           (" tabby cat ", 0)])
def test_a_class_by_index_name_or_unique_part(wanted, index):
    assert find_class(wanted, NAMES) == index


def test_what_fits_several_classes_or_none_is_refused():
    with pytest.raises(ValueError, match="target must name one class, got 'cat', which fits 0 tabby cat, 1 tiger cat, 2 Egyptian cat."):
        find_class("cat", NAMES)
    with pytest.raises(ValueError, match="got 'gose'; near it: goose."):
        find_class("gose", NAMES)
    with pytest.raises(ValueError, match="got ''"):
        find_class("", NAMES)
    with pytest.raises(ValueError, match=r"target must lie in 0 \.\.\. 5, got 6"):
        find_class("6", NAMES)
    with pytest.raises(ValueError, match=r"target must lie in 0 \.\.\. 5, got -1"):
        find_class("-1", NAMES)
    with pytest.raises(ValueError, match="9 name 9 and 5 more"):
        find_class("name", [f"name {i}" for i in range(15)])


def test_top_classes_are_the_softmax():
    red = torch.zeros(1, 3, 4, 4)
    red[:, 0] = 1
    (index, name, probability), second = top_classes(Linear(), red, 2)
    assert (index, name) == (5, "goose") and probability == pytest.approx(np.exp(10) / (np.exp(10) + 5))
    assert second[2] == pytest.approx(1 / (np.exp(10) + 5))


def test_the_numbers(photo, capsys):
    saved = explain(photo, "input-x-gradient", save=photo.with_suffix(".npz"))
    printed = capsys.readouterr().out
    assert "100.0%     5  goose" in printed and "explaining 5 goose by input-x-gradient" in printed and str(saved) in printed
    numbers = np.load(saved)
    expected = np.zeros((3, 4, 4))
    expected[0] = 10 / 16  # weight times a pixel of 1
    np.testing.assert_allclose(numbers["attributions"], expected, atol=1e-7)
    np.testing.assert_allclose(numbers["heatmap"], expected[0], atol=1e-7)
    assert numbers["target"] == 5 and numbers["top_classes"][0] == 5 and numbers["inputs"].shape == (3, 4, 4)


def test_another_class_is_explained_on_request(photo):
    numbers = np.load(explain(photo, "input-x-gradient", target="tabby", save=photo.with_suffix(".npz")))
    assert numbers["target"] == 0 and not numbers["attributions"].any()


def test_the_picture_lies_beside_the_photograph(photo, monkeypatch):
    figures = []
    monkeypatch.setattr(command.plots, "png", lambda figure: figures.append(figure) or b"the picture")
    saved = explain(photo, "saliency")
    assert saved == photo.with_name("my photo_saliency.png") and saved.read_bytes() == b"the picture"
    images = command.plots.shown(figures[0])
    np.testing.assert_allclose(images["0.image0"], np.tile([1, 0, 0], (4, 4, 1)))  # the photograph, then map and overlay
    assert {"1.image0", "2.image0"} <= set(images)


def test_a_real_png_is_written(photo):
    with Image.open(explain(photo, "saliency")) as picture:
        assert picture.format == "PNG" and picture.width > picture.height


@pytest.mark.parametrize("options, error, sentence", [
    ({"method": "salency"}, ValueError, "method must be one of .*, got 'salency'"),
    ({"save": "map.jpg"}, ValueError, "save must end in .png"),
    ({"save": "no/such/folder/map.png"}, FileNotFoundError, "save must lie in a folder that exists"),
    ({"photo": "no.jpg"}, FileNotFoundError, "path must be an image file, got 'no.jpg'"),
    ({"target": "horse"}, ValueError, "target must be a class index"),
])
def test_one_sentence_errors(photo, options, error, sentence):
    with pytest.raises(error, match=sentence):
        explain(**{"photo": photo, "method": "saliency", **options})


def test_the_photograph_is_never_overwritten(photo):
    with pytest.raises(ValueError, match="save must not be the photograph itself"):
        explain(photo, "saliency", save=photo)


def test_unknown_network_and_one_that_takes_no_photographs(photo, monkeypatch):
    monkeypatch.undo()
    with pytest.raises(ValueError, match="name must be one of models.available.*'efficientnet'"):
        explain(photo, "saliency", model="efficientnet")
    speech = Linear()
    speech.input_shape = (1, 64, 64)
    monkeypatch.setattr(command.models, "load", lambda name, download: speech)
    with pytest.raises(ValueError, match=r"model must take photographs \(3, H, W\), got 'speech'"):
        explain(photo, "saliency", model="speech")
