"""RectGrad: golden numbers, its limit, one threshold by hand, and its errors."""

import pytest
import toys
import torch
from torch import nn
from torch.nn import functional

from xaiutils.methods import GuidedBackprop, RectGrad
from xaiutils.methods.propagation import BackwardRules
from xaiutils.methods.rectgrad import nearest_rank, proportionally

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


def proportionally_by_loops(x, above, kernel, stride, padding):
    """Each window's shares, one window at a time; a window may hang over the padded edge, and counts what is inside."""
    below = torch.zeros_like(x)
    for i in range(above.shape[0]):
        for j in range(above.shape[1]):
            first, last = zip(*[(k * stride - padding, min(k * stride - padding + kernel, 6 + padding)) for k in (i, j)])
            size = (last[0] - first[0]) * (last[1] - first[1])
            window = slice(max(first[0], 0), last[0]), slice(max(first[1], 0), last[1])
            below[window] += x[window] / size * above[i, j] / (x[window].sum() / size + 1e-10)
    return below


@pytest.mark.parametrize("kernel, stride, padding, ceil_mode",
                         [(2, 2, 0, False), (3, 2, 0, True), (3, 2, 1, True), (3, 1, 1, False)])
def test_proportional_pooling_by_loops(kernel, stride, padding, ceil_mode):
    pool = nn.MaxPool2d(kernel, stride, padding, ceil_mode=ceil_mode)
    x = torch.rand(1, 1, 6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    y = BackwardRules({"pooling": proportionally}).around(pool)(x)
    above = torch.randn(y.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    below = torch.autograd.grad(y, x, above)[0]
    wanted = proportionally_by_loops(x.detach()[0, 0], above[0, 0], kernel, stride, padding)
    torch.testing.assert_close(below[0, 0], wanted, rtol=1e-12, atol=1e-14)


def test_nearest_rank_by_sorting():
    values = torch.randn(3, 5, 7, generator=torch.Generator().manual_seed(0))
    for percentile in (0, 13, 50, 98, 100):
        down = values.flatten(1).sort(descending=True).values
        assert torch.equal(nearest_rank(values, percentile), down[:, round(34 * (1 - percentile / 100))])


def test_what_does_not_fit_is_refused_by_name():
    with pytest.raises(ValueError, match=r"percentile must lie in 0 \.\.\. 100, got 120"):
        RectGrad(toys.cnn(), percentile=120)
    dilated = toys.seeded(0, nn.ReLU(), nn.MaxPool2d(2, 1, dilation=2), nn.Flatten(), nn.Linear(108, 2))
    with pytest.raises(ValueError, match="proportional_pooling must be False for max-pooling with dilation, got 2"):
        RectGrad(dilated, proportional_pooling=True).attribute(toys.images(), 0)
    with pytest.raises(ValueError, match="RectGrad needs rectifiers"):
        RectGrad(nn.Sequential(nn.Flatten(), nn.Linear(192, 4)).double().eval()).attribute(toys.images(), 0)
