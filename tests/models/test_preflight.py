"""What a network really does, and which methods it fits."""

import pytest
import toys
import torch
from torch import nn
from torch.nn import functional

from xaiutils.models.preflight import check, survey


class Functional(nn.Module):
    def forward(self, x):
        return functional.relu(x).tanh()


def test_a_survey_counts_calls_modules_and_re_use():
    found = survey(toys.cnn(), toys.images(1))
    assert found.calls == {"relu": 2, "hardtanh": 1} and found.modules == {"2": 2, "7": 1}
    assert found.reused == ["2"] and found.functional == 0 and found.training == []


def test_functional_rectifiers_are_seen():
    found = survey(Functional().eval(), torch.ones(1, 2))
    assert found.calls == {"relu": 1, "tanh": 1} and found.functional == 1


@pytest.mark.parametrize("model, verdict, word", [
    (nn.Sequential(nn.Linear(2, 2), nn.ReLU()), "fits", "1 nn.ReLU modules"), (Functional(), "handled", "1 functional rectifiers"),
    (nn.Sequential(nn.ReLU6()), "handled", "ReLU6"), (nn.Sequential(nn.GELU()), "refused", "gelu; use saliency"),
    (nn.Sequential(nn.Linear(2, 2)), "refused", "no activation at all"),
])
@pytest.mark.parametrize("method", ["guided-backprop", "deconvnet", "rectgrad", "guided-grad-cam", "guided-grad-cam-pp"])
def test_rules_of_rectifiers_fit_where_there_are_rectifiers(method, model, verdict, word):
    fit = check(method, model.eval(), torch.ones(1, 2))
    assert fit.verdict == verdict and word in fit.reason


def test_cam_is_refused_on_more_than_one_linear_layer():
    assert check("cam", toys.cnn(averaged=True), toys.images(1)).verdict == "fits"
    deep = toys.seeded(0, nn.Flatten(), nn.Linear(192, 4), nn.ReLU(), nn.Linear(4, 3))
    fit = check("cam", deep, toys.images(1))
    assert fit.verdict == "refused" and "found 2; use grad-cam" in fit.reason


def test_every_method_refuses_train_mode_and_takes_the_rest():
    assert check("agi", toys.cnn().train(), toys.images(1)).verdict == "refused"
    assert check("agi", nn.Sequential(nn.GELU()).eval(), torch.ones(1, 2)).verdict == "fits"


def test_the_network_is_left_as_it_was():
    model = toys.cnn()
    survey(model, toys.images(1))
    assert not any(module._forward_hooks for module in model.modules())
