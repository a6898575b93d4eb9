"""What the two packages are given and how their answers are read: stand-ins under their names, for neither is installed everywhere."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from xaiutils import rivals

X = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
SEGMENTS = torch.arange(4)[:, None] // 2 * 2 + torch.arange(4) // 2


def network(rows):
    """Three classes: class 1 is the first channel's sum."""
    return torch.stack([0 * rows[:, 0, 0, 0], rows[:, 0].sum((1, 2)), 0 * rows[:, 0, 0, 0] - 1], 1)


def stand_in(monkeypatch, name, **content):
    module = ModuleType(name)
    module.__dict__.update(content)
    monkeypatch.setitem(sys.modules, name, module)
    return module


def test_lime_gets_pixels_and_segments_and_its_weights_are_put_in_place(monkeypatch):
    class LimeImageExplainer:
        def __init__(self, random_state):
            assert random_state == 7

        def explain_instance(self, image, classify, *, labels, top_labels, num_samples, segmentation_fn):
            np.testing.assert_allclose(image, X[0].permute(1, 2, 0))
            assert labels == (1,) and top_labels is None and num_samples == 50
            np.testing.assert_array_equal(segmentation_fn(image), SEGMENTS)
            given = classify(np.stack([image, 0 * image]))
            np.testing.assert_allclose(given, network(torch.cat([X, 0 * X])).softmax(1), atol=1e-6)
            return SimpleNamespace(local_exp={1: [(3, 0.5), (0, -0.25), (2, 0.0)]})

    stand_in(monkeypatch, "lime")
    stand_in(monkeypatch, "lime.lime_image", LimeImageExplainer=LimeImageExplainer)
    assert rivals.lime_weights(network, X, 1, SEGMENTS, n_samples=50, seed=7).tolist() == [-0.25, 0.0, 0.0, 0.5]


def test_shap_gets_a_background_and_its_values_come_back_like_the_image(monkeypatch):
    class GradientExplainer:
        def __init__(self, model, background):
            assert model is network and background.shape == (5, 3, 4, 4)

        def shap_values(self, x, *, nsamples, ranked_outputs, rseed):
            assert x is X and (nsamples, ranked_outputs, rseed) == (20, 1, 3)
            return 2 * x.numpy()[..., None], np.array([[1]])

    stand_in(monkeypatch, "shap", GradientExplainer=GradientExplainer)
    assert torch.equal(rivals.shap_values(network, X, torch.zeros(5, 3, 4, 4), n_samples=20, seed=3), 2 * X)


@pytest.mark.parametrize("there, expected", [(("lime", "shap"), True), (("lime",), False), ((), False)])
def test_installed_asks_for_both(monkeypatch, there, expected):
    monkeypatch.setattr(rivals, "find_spec", lambda name: object() if name in there else None)
    assert rivals.installed() is expected
