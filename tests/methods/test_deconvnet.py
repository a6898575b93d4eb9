"""DeconvNet by hand, in its limit, and against Captum on modules that Captum can hook."""

import captum.attr
import pytest
import toys
import torch
from torch import nn
from torch.nn import functional

from xaiutils.methods import DeconvNet


def test_a_closed_rectifier_passes_what_is_positive():
    # h = relu(x), scores h1 - h2: +1 comes back for x1 although its rectifier is closed, -1 is cut
    model = lambda x: functional.relu(1.0 * x) @ torch.tensor([[1.0], [-1.0]])  # noqa: E731
    assert DeconvNet(model).attribute(torch.tensor([[-2.0, 3.0]]), 0).tolist() == [[1.0, 0.0]]


def test_two_rectifiers_cut_one_after_the_other():
    # score = relu(u), u = h1 - 2 h2, h = relu(x): from above (1, -2), the second is cut at its own rectifier
    first = lambda x: functional.relu6(1.0 * x) @ torch.tensor([[1.0], [-2.0]])  # noqa: E731
    assert DeconvNet(lambda x: functional.relu(first(x))).attribute(torch.tensor([[1.0, 9.0]]), 0).tolist() == [[1.0, 0.0]]


def test_one_rectifier_under_positive_weights_gives_the_same_map_for_every_image():
    hidden, top = torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]]), torch.tensor([[2.0, 1.0]])
    model = lambda x: functional.relu(x @ hidden.T) @ top.T  # noqa: E731
    images = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(DeconvNet(model).attribute(images, 0), (top @ hidden).expand(4, 3))


@pytest.mark.filterwarnings("ignore:Input Tensor 0", "ignore:Setting backward hooks")
def test_captum_is_met_on_nn_relu_modules():
    arrays = toys.golden("agi_cnn_f64")
    model, images = toys.golden_cnn(arrays), arrays["x"].double()
    theirs = captum.attr.Deconvolution(model).attribute(images, torch.tensor([1, 2, 3]))
    torch.testing.assert_close(DeconvNet(model).attribute(images, [1, 2, 3]), theirs, rtol=1e-10, atol=1e-16)


def test_a_network_without_rectifiers_is_refused():
    with pytest.raises(ValueError, match="DeconvNet needs rectifiers .* use Saliency"):
        DeconvNet(nn.Sequential(nn.Flatten(), nn.Linear(192, 4)).double().eval()).attribute(toys.images(), 0)
