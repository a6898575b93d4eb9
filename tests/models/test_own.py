"""Our own networks: those whose weights are there predict what they should, and their accuracies are measured
again where
the test sets are."""

import json
import re
from pathlib import Path

import foolbox
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from toy_training import RECIPE

from xaiutils import models
from xaiutils.datasets import spoken_digits, synthesis
from xaiutils.datasets.images import read_image
from xaiutils.datasets.storage import DatasetMissing
from xaiutils.models import own
from xaiutils.models.own import FOLDER, own_network, trained
from xaiutils.models.recipes import recipe
from xaiutils.models.text import encode
from xaiutils.models.training import evaluate

HERE = trained()


def stored(tmp_path, monkeypatch, **metadata):
    """A toy's weights in a folder, as ``export`` writes them."""
    monkeypatch.setattr(own, "recipe", lambda name: RECIPE)
    state = {
        key: value.half() if value.dim() > 1 else value
        for key, value in RECIPE.network().state_dict().items()
    }
    save_file(
        state,
        tmp_path / "toy.safetensors",
        metadata={key: json.dumps(value) for key, value in metadata.items()},
    )
    return state


def test_a_network_comes_back_in_float32_with_what_was_kept(tmp_path, monkeypatch):
    state = stored(tmp_path, monkeypatch, class_names=["a", "b", "c"], vocabulary=["x"])
    network = own_network("toy", weights_folder=tmp_path)
    assert (network.name, network.class_names, network.vocabulary) == ("toy", ["a", "b", "c"], ["x"])
    assert network.input_shape == (1, 4, 4) and network.input_size == 4 and not network.training
    assert (
        torch.equal(network.layers[1].weight, state["layers.1.weight"].float())
        and network.layers[1].weight.dtype == torch.float32
    )


def test_random_weights_keep_classes_and_normalisation(tmp_path, monkeypatch):
    state = stored(tmp_path, monkeypatch, class_names=["a", "b", "c"])
    state["mean"].fill_(0.25)
    save_file(state, tmp_path / "toy.safetensors", metadata={"class_names": '["a", "b", "c"]'})
    network = own_network("toy", weights="random", weights_folder=tmp_path)
    assert network.class_names == ["a", "b", "c"] and network.mean.item() == 0.25
    assert not torch.equal(network.layers[1].weight.half(), state["layers.1.weight"])


def test_a_missing_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(own, "recipe", lambda name: RECIPE)
    with pytest.raises(
        FileNotFoundError,
        match=r"the weights of toy are missing: .*toy.safetensors .* `make train MODEL=toy`",
    ):
        own_network("toy", weights_folder=tmp_path)


def test_a_damaged_file_is_named(tmp_path, monkeypatch):
    stored(tmp_path, monkeypatch, class_names=["a"])
    path = tmp_path / "toy.safetensors"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(
        ValueError,
        match=r"the weights of toy must be a whole safetensors file, got a damaged one in .*toy.safetensors",
    ):
        own_network("toy", weights_folder=tmp_path)


def test_weights_of_another_network_are_refused(tmp_path, monkeypatch):
    state = stored(tmp_path, monkeypatch, class_names=["a"])
    save_file(state | {"extra": torch.zeros(1)}, tmp_path / "toy.safetensors", metadata={"class_names": "[]"})
    with pytest.raises(ValueError, match="the weights of toy must fit its architecture"):
        own_network("toy", weights_folder=tmp_path)
    save_file(state, tmp_path / "toy.safetensors")
    with pytest.raises(ValueError, match="the weights of toy must carry class_names"):
        own_network("toy", weights_folder=tmp_path)


@pytest.mark.parametrize("name", HERE)
def test_weights_card_and_curve_belong_together(name):
    card, curve = (FOLDER / f"{name}.md").read_text(), (FOLDER / f"{name}.csv").read_text().splitlines()
    epochs = int(re.search(r"(\d+) epochs", card)[1])
    assert len(curve) == epochs + 1 and "licence of the data" in card and "| seed |" in card
    network = models.load(name)
    assert len(network.class_names) == network(torch.zeros(1, *network.input_shape)).shape[1]


def test_all_weights_stay_small():
    assert sum(path.stat().st_size for path in FOLDER.glob("*") if path.is_file()) <= 40 * 2**20


@pytest.mark.parametrize("name", HERE)
def test_accuracies_of_the_cards_are_measured_again(name):
    """The card's numbers, in float32 on this machine, where XAI_DATA has the test set; elsewhere the card is
    only read."""
    claimed = [
        (float(percent) / 100, key)
        for percent, key in re.findall(
            r"([\d.]+)% on [\d,]+ \(([^)]*)\)", (FOLDER / f"{name}.md").read_text()
        )
    ]
    assert claimed
    made_by = recipe(name)
    try:
        tests = made_by.data().tests
    except DatasetMissing:
        return
    network = own_network(name)
    assert [key for _, key in claimed] == list(tests)
    for accuracy, key in claimed:
        assert evaluate(network, tests[key], made_by, "cpu")[1] == pytest.approx(
            accuracy, abs=2e-3
        )


@pytest.mark.parametrize("name", [name for name in HERE if name == "lenet-digits"])
def test_the_digits_network_knows_words_of_a_voice_it_has_not_heard(name):
    network, heard = models.load(name), []
    for word in spoken_digits.WORDS:
        sound = spoken_digits.one_second(synthesis.speak(word, "en-us+m3"))
        heard.append(network.class_names[network(spoken_digits.spectrogram(sound[None])).argmax()])
    assert sum(a == b for a, b in zip(heard, spoken_digits.WORDS, strict=True)) >= 11


def test_the_sentence_network_knows_praise_from_blame():
    network = models.load("textcnn-polarity")
    praise = ["a moving and beautifully acted film .", "funny , touching and smart ."]
    blame = ["a dull , lifeless mess with nothing to say .", "too long , too loud and boring ."]
    predicted = network(encode(praise + blame, network.vocabulary)).argmax(1)
    assert [network.class_names[p] for p in predicted] == ["positive"] * 2 + ["negative"] * 2


CIFAR = sorted((Path(foolbox.__file__).parent / "data").glob("cifar10_*.png"))


@pytest.mark.parametrize("name", [name for name in HERE if name.endswith("cifar10")])
def test_the_cifar_networks_know_the_embedded_pictures(name):
    """Twenty labelled test pictures; 80 % of them is the least the networks' accuracies promise."""
    network = models.load(name)
    inputs = (
        torch.stack([torch.from_numpy(np.array(Image.open(file))) for file in CIFAR]).permute(0, 3, 1, 2)
        / 255
    )
    labels = torch.tensor([int(file.stem.split("_")[2]) for file in CIFAR])
    assert (network(inputs).argmax(1) == labels).float().mean() >= 0.8


@pytest.mark.parametrize("name", [name for name in HERE if name == "vgg16-tinyimagenet"])
def test_the_vgg_knows_an_embedded_photograph(name):
    network = models.load(name)
    folder = Path(foolbox.__file__).parent / "data"
    known = {
        "imagenet_15": "goose",
        "imagenet_13": "cannon",
        "imagenet_02": "beaker",
        "imagenet_05": "thatch",
    }
    files = [next(folder.glob(f"{start}_*.jpg")) for start in known]
    scores = torch.cat([network(read_image(file, 64)) for file in files])
    top5 = [{network.class_names[i] for i in row} for row in scores.topk(5).indices]
    assert sum(name in best for name, best in zip(known.values(), top5, strict=True)) >= 2
