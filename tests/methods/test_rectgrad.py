"""RectGrad: golden numbers, its limit, one threshold by hand, and its errors."""

import pytest
import toys
import torch
from torch import nn
from torch.nn import functional

from xaiutils.methods import GuidedBackprop, RectGrad
from xaiutils.methods.rectgrad import nearest_rank

GOLDEN, NET = toys.golden("rectgrad_reference"), toys.golden("gradcampp")
VARIANTS = {
    "tau0": {"threshold": 0.0}, "q0": {"percentile": 0}, "q80": {"percentile": 80}, "q90": {"percentile": 90}, "q98": {},
    "q98_border": {"border": True}, "q98_prr": {"proportional_pooling": True},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_golden_maps(variant):
    method = RectGrad(toys.golden_cam_net(NET), **VARIANTS[variant])
    ours = method.attribute(NET["x"].double(), NET["target"])
    torch.testing.assert_close(ours, GOLDEN[variant].double(), rtol=1e-9, atol=1e-14)


def test_threshold_zero_is_guided_backprop_times_input():
    net, x = toys.golden_cam_net(NET), NET["x"].double()
    guided = GuidedBackprop(net).attribute(x, [1, 3])
    torch.testing.assert_close(RectGrad(net, threshold=0.0).attribute(x, [1, 3]), guided * x, rtol=1e-12, atol=0)


def test_what_matters_most_passes():
    # h = relu(x) = (1, 2, 3, 0), score (4, 3, -1, 5) h: a R = (4, 6, -3, 0). The median of nearest rank, number round(3 * 0.5) = 2
    # from the top counted from 0, is 0: h1 and h2 pass, and x R = (4, 6)
    model = lambda x: functional.relu(1.0 * x) @ torch.tensor([[4.0], [3.0], [-1.0], [5.0]])  # noqa: E731
    x = torch.tensor([[1.0, 2.0, 3.0, -2.0]])
    assert RectGrad(model, percentile=50).attribute(x, 0).tolist() == [[4.0, 6.0, 0.0, 0.0]]
    # the smallest, -3: also the closed unit passes its 5 (times x = -2), unless units that gave nothing are held back
    assert RectGrad(model, percentile=0).attribute(x, 0).tolist() == [[4.0, 6.0, 0.0, -10.0]]
    assert RectGrad(model, percentile=0, dead_units=False).attribute(x, 0).tolist() == [[4.0, 6.0, 0.0, 0.0]]


def test_nearest_rank_by_sorting():
    values = torch.randn(3, 5, 7, generator=torch.Generator().manual_seed(0))
    for percentile in (0, 13, 50, 98, 100):
        down = values.flatten(1).sort(descending=True).values
        assert torch.equal(nearest_rank(values, percentile), down[:, round(34 * (1 - percentile / 100))])


def test_a_percentile_of_120_and_a_network_without_rectifiers_are_refused():
    with pytest.raises(ValueError, match=r"percentile must lie in 0 \.\.\. 100, got 120"):
        RectGrad(toys.cnn(), percentile=120)
    with pytest.raises(ValueError, match="RectGrad needs rectifiers"):
        RectGrad(nn.Sequential(nn.Flatten(), nn.Linear(192, 4)).double().eval()).attribute(toys.images(), 0)
