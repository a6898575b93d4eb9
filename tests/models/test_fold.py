import copy

import pytest
import torch
from torch import nn

from xaiutils import datasets, models
from xaiutils.models import fold_batchnorm


def with_statistics(model, seed=0):
    """``model`` with BatchNorms as after training, nothing at its neutral value; float64, eval mode."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            for value in (module.weight.data, module.bias.data, module.running_mean, module.running_var):
                value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
    return model.double().eval()


def norms(model):
    return [name for name, module in model.named_modules() if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d))]


class Residual(nn.Module):
    """Two convolutions beside a shortcut; then a BatchNorm that reads the sum."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.conv2, self.bn2 = nn.Conv2d(4, 3, 3, padding=1, groups=1), nn.BatchNorm2d(3)
        self.bn_sum = nn.BatchNorm2d(3)

    def forward(self, x):
        return self.bn_sum(x + self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())))


class ReadTwice(nn.Module):
    """The convolution's output goes into BatchNorm and, by a plain function, past it."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)

    def forward(self, x):
        y = self.conv(x)
        return self.bn(y) + y.relu()


class AlsoReturned(ReadTwice):
    def forward(self, x):
        y = self.conv(x)
        return self.bn(y), y


class ConvTwice(ReadTwice):
    def forward(self, x):
        return self.conv(self.bn(self.conv(x)))


class NormTwice(ReadTwice):
    def forward(self, x):
        return self.bn(self.bn(self.conv(x)))


class RectifiedInPlace(ReadTwice):
    def forward(self, x):
        return self.bn(self.conv(x).relu_())


class WrittenInPlace(ReadTwice):
    def forward(self, x):
        y = self.conv(x)
        y[:, 0] = 1.0
        return self.bn(y)


class ReadThroughDetach(ReadTwice):
    def forward(self, x):
        y = self.conv(x)
        return self.bn(y) * y.detach().sigmoid()


class AskedForItsShape(ReadTwice):
    def forward(self, x):
        y = self.conv(x)
        assert y.dim() == 4 and y.is_floating_point()
        return self.bn(y).reshape(y.size(0), y.shape[1], -1).to(y.dtype)


class UnderTwoNames(ReadTwice):
    def __init__(self):
        super().__init__()
        self.alias = self.bn

    def forward(self, x):
        return self.alias(self.conv(x))


OTHER_READERS = [
    ReadTwice, AlsoReturned, ConvTwice, NormTwice, RectifiedInPlace, WrittenInPlace, ReadThroughDetach,
]  # fmt: skip


def folded_and_kept(model, inputs):
    model = with_statistics(model)
    folded = fold_batchnorm(model, inputs[:1])
    torch.testing.assert_close(folded(inputs), model(inputs), rtol=1e-10, atol=1e-10)
    assert not any(module.training for module in folded.modules())
    return norms(folded)


@pytest.fixture
def pictures():
    return torch.rand(5, 3, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_a_fold_computed_by_hand():
    model = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.BatchNorm2d(1, eps=0.0)).eval()
    conv, bn = model
    conv.weight.data.fill_(6.0)
    bn.running_mean.fill_(1.0), bn.running_var.fill_(4.0), bn.weight.data.fill_(3.0), bn.bias.data.fill_(0.5)
    folded = fold_batchnorm(model, torch.zeros(1, 1, 1, 1))
    assert folded[0].weight.item() == 9.0  # 3 * 6 / 2
    assert folded[0].bias.item() == -1.0  # 3 * (0 - 1) / 2 + 0.5
    assert isinstance(folded[1], nn.Identity)


def test_convolutions_and_linear_layers_are_folded(pictures):
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2, bias=False), nn.BatchNorm2d(6), nn.ReLU(),
        nn.Conv2d(6, 6, 2, groups=3), nn.BatchNorm2d(6), nn.ReLU(),
        nn.Flatten(), nn.Linear(6, 4), nn.BatchNorm1d(4),
    )  # fmt: skip
    assert folded_and_kept(model, pictures) == []


def test_a_batchnorm_after_a_sum_stays(pictures):
    assert folded_and_kept(Residual(), pictures) == ["bn_sum"]


@pytest.mark.parametrize("kind", OTHER_READERS)
def test_what_has_another_reader_is_not_folded(kind, pictures):
    assert folded_and_kept(kind(), pictures) == ["bn"]


def test_asking_for_the_shape_is_not_reading(pictures):
    assert folded_and_kept(AskedForItsShape(), pictures) == []


def test_a_batchnorm_under_two_names_is_replaced_under_both(pictures):
    assert folded_and_kept(UnderTwoNames(), pictures) == []


def test_a_batchnorm_over_a_sequence_is_not_the_linear_layers_own(pictures):
    model = nn.Sequential(nn.Flatten(2), nn.Linear(36, 3), nn.BatchNorm1d(3))  # (N, 3, 3): normalises over axis 1
    assert folded_and_kept(model, pictures) == ["2"]


def test_statistics_of_the_batch_are_not_folded(pictures):
    model = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, track_running_stats=False)).double().eval()
    assert norms(fold_batchnorm(model, pictures)) == ["1"]


def test_without_batchnorm_nothing_is_run():
    words = nn.Embedding(10, 4).eval()  # would not take an image
    assert torch.equal(fold_batchnorm(words, torch.zeros(1, 3, 4, 4)).weight, words.weight)


def test_train_mode_is_refused():
    with pytest.raises(ValueError, match="model must be in eval mode"):
        fold_batchnorm(nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)), torch.zeros(1, 3, 4, 4))


def test_the_model_given_is_left_alone(pictures):
    model = with_statistics(Residual())
    before = copy.deepcopy(model.state_dict())
    fold_batchnorm(model, pictures)
    assert norms(model) == ["bn1", "bn2", "bn_sum"]
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_the_embedded_network_loses_all_batchnorms_and_keeps_its_logits():
    inputs = datasets.photographs(4).inputs
    plain, folded = models.load("efficientnet-lite0", fold_batchnorm=False), models.load("efficientnet-lite0")
    assert len(norms(plain)) == 49 and norms(folded) == []
    with torch.no_grad():
        assert (plain(inputs) - folded(inputs)).abs().max() < 1e-4


@pytest.mark.parametrize("padding, kernel, stride", [((0, 1, 0, 1), 3, 2), ((1, 2, 1, 2), 5, 2), ((2, 0, 1, 1), 3, 1),
                                                     ((1, 1, 1, 1), 3, 2), ((0, 3, 2, 0), (2, 3), (1, 3))])
@pytest.mark.parametrize("size", [(9, 12), (12, 9)])
def test_a_convolution_pads_with_rows_of_zeros_in_its_kernel(padding, kernel, stride, size):
    """Weights that are whole numbers: equal to the last bit, whatever the order of the sums."""
    conv = nn.Conv2d(4, 6, kernel, stride, groups=2)
    conv.weight.data, conv.bias.data = conv.weight.data.mul(100).round(), torch.arange(6.0)
    apart = nn.Sequential(nn.ZeroPad2d(padding), conv).eval()
    together = fold_batchnorm(apart, torch.zeros(1, 4, *size))
    x = torch.randn(2, 4, *size).mul(9).round()
    assert torch.equal(together(x), apart(x)) and isinstance(together[0], nn.Identity) and apart[1] is conv
    assert not any(module.training for module in together.modules())


@pytest.mark.parametrize("layers", [
    (nn.ReflectionPad2d(1), nn.Conv2d(2, 2, 3)),
    (nn.ZeroPad2d(-1), nn.Conv2d(2, 2, 3)),
    (nn.ZeroPad2d(1), nn.Conv2d(2, 2, 3, padding=1)),
    (nn.ZeroPad2d(1), nn.Conv2d(2, 2, 3, dilation=2)),
    (nn.ZeroPad2d(1), nn.MaxPool2d(2)),
])
def test_a_padding_that_is_not_one_of_zeros_before_a_plain_convolution_stays(layers):
    model = nn.Sequential(*layers).eval()
    assert str(fold_batchnorm(model, torch.zeros(1, 2, 9, 9))) == str(model)
