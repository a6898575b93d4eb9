from pathlib import Path

import pytest
import torch
from torch import nn

from xaiutils.models import architectures
from xaiutils.models.architectures import ResNet20, SentenceCNN, cifar_alexnet, lenet, small_vgg, thesis_vgg

PICTURE_NETWORKS = [(thesis_vgg, (3, 64, 64), 200), (small_vgg, (3, 32, 32), 10), (cifar_alexnet, (3, 32, 32), 10),
                    (ResNet20, (3, 32, 32), 10), (lenet, (1, 128, 64), 12)]  # fmt: skip


def count(network, kind):
    return sum(isinstance(module, kind) for module in network.modules())


def test_the_thesis_network_has_the_parameters_of_its_table():
    """Table 7.1: convolutions 7,635,264 and dense layers 21,385,416, biases included; BatchNorm, which it
    does not list, apart."""
    network = thesis_vgg()
    sizes = {
        kind: sum(p.numel() for m in network.modules() if isinstance(m, kind) for p in m.parameters())
        for kind in (nn.Conv2d, nn.Linear)
    }
    assert sizes == {nn.Conv2d: 7_635_264, nn.Linear: 21_385_416}


def test_the_thesis_network_has_the_layers_of_its_table():
    network = thesis_vgg(0.5)
    assert [m.out_channels for m in network.modules() if isinstance(m, nn.Conv2d)] == [
        32,
        32,
        64,
        64,
        128,
        128,
        128,
        256,
        256,
        256,
    ]
    assert [m.out_features for m in network.modules() if isinstance(m, nn.Linear)] == [1024, 1024, 200]
    assert (count(network, nn.ReLU), count(network, nn.BatchNorm2d), count(network, nn.BatchNorm1d)) == (
        12,
        10,
        2,
    )
    assert [m.p for m in network.modules() if isinstance(m, nn.Dropout)] == [0.25] * 4 + [0.5] * 2
    assert sum(p.numel() for p in network.parameters()) == 7_366_632
    order = [type(m).__name__ for m in network.features[:8]]
    assert order == ["Conv2d", "BatchNorm2d", "ReLU", "Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d", "Dropout"]


def test_resolution_halves_after_each_stack():
    sides, x = [64], torch.zeros(1, 3, 64, 64)
    for module in thesis_vgg(0.1).eval().features:
        x = module(x)
        if isinstance(module, nn.MaxPool2d):
            sides.append(x.shape[-1])
    assert sides == [64, 32, 16, 8, 4]


def test_initialisation_is_he_normal_with_zero_biases():
    torch.manual_seed(0)
    for module in thesis_vgg(0.5).modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            fan_in = module.weight[0].numel()
            assert module.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.06)
            assert not module.bias.any()


@pytest.mark.parametrize(("make", "shape", "n_classes"), PICTURE_NETWORKS)
def test_every_relu_is_a_module_of_its_own_and_runs_once(make, shape, n_classes):
    network, runs = make().eval(), {}
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            assert not module.inplace
            module.register_forward_hook(lambda m, *_: runs.update({m: runs.get(m, 0) + 1}))
    assert network(torch.rand(2, *shape)).shape == (2, n_classes)
    assert list(runs.values()) == [1] * count(network, nn.ReLU)


def test_a_functional_relu_occurs_nowhere():
    source = Path(architectures.__file__).read_text()
    assert "F.relu" not in source and "torch.relu" not in source


@pytest.mark.parametrize(("make", "shape", "n_classes"), PICTURE_NETWORKS)
def test_normalisation_is_inside(make, shape, n_classes):
    network, x = make().eval(), torch.rand(2, *shape)
    plain = network((x - 0.4) / 0.2)
    network.mean.fill_(0.4)
    network.std.fill_(0.2)
    torch.testing.assert_close(network(x), plain, atol=1e-4, rtol=1e-4)


def test_a_picture_of_another_size_is_averaged_to_the_grid():
    """At twice the size, every cell of the dense part's grid is the mean of 2x2 cells."""
    network, x = small_vgg().eval(), torch.rand(1, 3, 64, 64)
    features = network.features(network.normalise(x))
    blocks = features.unfold(2, 2, 2).unfold(3, 2, 2).mean((-1, -2))
    torch.testing.assert_close(network(x), network.classifier(blocks))


def test_residual_block_with_a_silent_body_is_the_rectified_input():
    block = architectures.Residual(4, 4, 1).eval()
    nn.init.zeros_(block.body[-1].weight)
    x = torch.randn(2, 4, 6, 6)
    torch.testing.assert_close(block(x), x.clamp_min(0))


def test_resnet20_has_twenty_layers_on_the_main_path():
    network = ResNet20()
    shortcuts = sum(count(block.shortcut, nn.Conv2d) for block in network.blocks)
    assert count(network, nn.Conv2d) - shortcuts + count(network, nn.Linear) == 20 and shortcuts == 2


def test_sentence_network_takes_numbers_or_vectors():
    network, numbers = SentenceCNN(n_words=50).eval(), torch.tensor([[3, 9, 1, 0], [4, 4, 4, 4]])
    vectors = network.embed(numbers)
    assert vectors.shape == (2, 4, 100) and not vectors[0, 3].any()  # padding is the zero vector
    torch.testing.assert_close(network(numbers), network(vectors))


def test_padding_behind_a_sentence_changes_nothing():
    network = SentenceCNN(n_words=50).eval()
    sentence = torch.tensor([[3, 9, 1, 7]])
    torch.testing.assert_close(network(torch.nn.functional.pad(sentence, (0, 9))), network(sentence))


def test_a_sentence_is_scored_by_its_strongest_words_alone():
    """With one filter that is the mean of a window, the score is the largest mean of three neighbouring word
    values."""
    network = SentenceCNN(n_words=5, dimension=1, widths=(3,), n_filters=1, n_classes=1).eval()
    with torch.no_grad():
        network.embedding.weight.copy_(torch.tensor([[0.0], [1.0], [2.0], [6.0], [-9.0]]))
        network.convolutions[0].weight.fill_(1 / 3)
        network.convolutions[0].bias.zero_()
        network.output.weight.fill_(1.0)
        network.output.bias.zero_()
    scores = network(torch.tensor([[1, 2, 3, 4, 1], [4, 4, 4, 4, 4]]))
    torch.testing.assert_close(scores, torch.tensor([[3.0], [0.0]]))  # (1 + 2 + 6) / 3; nothing positive


def test_the_thesis_network_without_regularisers_and_for_small_pictures():
    network = thesis_vgg(0.125, 6, size=32, batchnorm=False, dropout_conv=0.0, dropout_dense=0.0)
    assert count(network, nn.BatchNorm2d) + count(network, nn.BatchNorm1d) == 0 and count(network, nn.ReLU) == 12
    assert {module.p for module in network.modules() if isinstance(module, nn.Dropout)} == {0.0}
    assert network.classifier[1].in_features == 64 * 2 * 2 and network(torch.rand(2, 3, 32, 32)).shape == (2, 6)
    order = [type(m).__name__ for m in network.features[:6]]
    assert order == ["Conv2d", "ReLU", "Conv2d", "ReLU", "MaxPool2d", "Dropout"]
