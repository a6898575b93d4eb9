"""The page of methods and networks has every pair, and says what running them says."""

import re

import pytest
import toys
from torch import nn

from xaiutils import fits
from xaiutils.methods import METHODS

LINES = fits.PAGE.read_text(encoding="utf-8").splitlines()
CELLS = {line.split("`")[1]: [cell.strip() for cell in line.split("|")[2:-1]] for line in LINES if line.startswith("| `")}
NEVER_REFUSED = ["saliency", "guided-backprop", "deconvnet", "grad-cam", "lrp-epsilon", "lrp-alpha1-beta0", "lrp-alpha2-beta1", "rap", "agi"]


def test_the_page_has_every_pair():
    assert list(CELLS) == list(METHODS), "write it anew: python -m xaiutils.fits"
    assert all(len(row) == len(fits.NETWORKS) and set(row) <= set(fits.SIGNS.values()) for row in CELLS.values())


@pytest.mark.parametrize("method", NEVER_REFUSED)
def test_what_fits_everywhere(method):
    assert "no" not in CELLS[method]


@pytest.mark.parametrize("network", ["resnet20-cifar10", "EfficientNet-Lite0"])
def test_the_page_says_what_running_says(network):
    """For the two networks that hook-based libraries get wrong; without the slow methods."""
    model, inputs = fits.build(network)
    column = list(fits.NETWORKS).index(network)
    quick = [m for m in METHODS if not re.match("exact-shapley|dasp|occlusion|kernel-shap|lime|credible|smoothgrad-", m)]
    for method in quick:
        assert fits.SIGNS[fits.fit(method, model, inputs).verdict] == CELLS[method][column], method


def test_a_refusal_is_told_with_its_reason():
    smooth = nn.Sequential(nn.Flatten(), nn.Linear(192, 4), nn.GELU(), nn.Linear(4, 3)).double().eval()
    found = {name: fits.fit(name, smooth, toys.images(1)) for name in ("guided-backprop", "lrp-epsilon", "saliency")}
    assert [each.verdict for each in found.values()] == ["refused", "refused", "fits"]
    assert "GuidedBackprop needs rectifiers" in found["guided-backprop"].reason and "gelu" in found["lrp-epsilon"].reason
