import pytest
import torch
from torch import nn

from xaiutils import models
from xaiutils.models.own import OWN


def test_the_embedded_network_comes_first():
    names = models.available()
    assert names[0] == "efficientnet-lite0"
    assert {"inception_v3", "resnet152", "vgg19", "densenet121"} <= set(names)
    assert len(names) == len(set(names))


def test_a_network_carries_what_is_known_about_it():
    network = models.load("efficientnet-lite0")
    assert network.name == "efficientnet-lite0" and not network.training
    assert network.input_size == 224 and network.input_shape == (3, 224, 224)
    assert len(network.class_names) == 1000 and network.class_names[285] == "Egyptian cat"
    torch.testing.assert_close(network.mean * 255, torch.full((3,), 127.0))
    torch.testing.assert_close(network.std * 255, torch.full((3,), 128.0))


def test_convolution_weights_are_stored_channels_last():
    network = models.load("efficientnet-lite0")
    assert all(
        conv.weight.is_contiguous(memory_format=torch.channels_last)
        for conv in network.modules()
        if isinstance(conv, nn.Conv2d)
    )


@pytest.mark.parametrize("name", ["resnet18", "efficientnet-lite0"])
def test_random_weights_are_drawn_from_the_seed_alone(name):
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first, again, other = (models.load(name, weights="random", seed=seed, fold_batchnorm=False) for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    weights = [next(network.parameters()) for network in (first, again, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_folding_can_be_turned_off():
    folded, plain = (models.load("resnet18", weights="random", fold_batchnorm=fold) for fold in (True, False))
    count = [sum(isinstance(module, nn.BatchNorm2d) for module in network.modules()) for network in (folded, plain)]
    assert count == [0, 20]
    pixels = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(folded(pixels), plain(pixels), rtol=1e-4, atol=1e-5)


def test_networks_of_our_own_are_loaded_like_the_others(monkeypatch):
    def toy(*, weights):
        network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten())
        network.input_shape = (1, 4, 4)
        network.drawn = weights
        return network

    monkeypatch.setitem(OWN, "toy", toy)
    assert "toy" in models.available()
    network = models.load("toy", weights="random")
    assert network.drawn == "random" and not network.training
    assert isinstance(network[1], nn.Identity) and isinstance(
        models.load("toy", fold_batchnorm=False)[1], nn.BatchNorm2d
    )


def test_an_unknown_name_is_refused_with_names_near_it():
    with pytest.raises(ValueError, match="name must be one of models.available.., got 'resnet19'; near it: resnet18"):
        models.load("resnet19")
    with pytest.raises(ValueError, match="got 'EfficientNet-Lite'; near it: efficientnet-lite0"):
        models.load("EfficientNet-Lite")


def test_unknown_weights_are_refused():
    with pytest.raises(ValueError, match='weights must be "pretrained" or "random", got None'):
        models.load("resnet18", weights=None)
