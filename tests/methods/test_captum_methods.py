"""The wrapped methods against Captum itself and against hand-computed answers."""

import captum.attr
import pytest
import toys
import torch

from xaiutils.methods import InputXGradient, IntegratedGradients, Saliency

TARGET = torch.tensor([1, 0, 4])
pytestmark = pytest.mark.filterwarnings("ignore:Input Tensor 0 did not already require gradients")


@pytest.mark.parametrize("ours, theirs", [
    (lambda m, x: Saliency(m).attribute(x, TARGET), lambda m, x: captum.attr.Saliency(m).attribute(x, TARGET)),
    (lambda m, x: Saliency(m).attribute(x, TARGET, abs=False), lambda m, x: captum.attr.Saliency(m).attribute(x, TARGET, abs=False)),
    (lambda m, x: InputXGradient(m).attribute(x, TARGET), lambda m, x: captum.attr.InputXGradient(m).attribute(x, TARGET)),
    (lambda m, x: IntegratedGradients(m).attribute(x, 0.3, TARGET), lambda m, x: captum.attr.IntegratedGradients(m).attribute(x, 0.3, TARGET)),
    (lambda m, x: IntegratedGradients(m, multiply_by_inputs=False).attribute(x, target=TARGET, n_steps=7, method="riemann_middle"),
     lambda m, x: captum.attr.IntegratedGradients(m, False).attribute(x, target=TARGET, n_steps=7, method="riemann_middle")),
])
def test_captum_is_met(ours, theirs):
    model, images = toys.cnn(), toys.images()
    torch.testing.assert_close(ours(model, images), theirs(model, images), rtol=1e-10, atol=1e-14)


def test_on_a_linear_model():
    model, x = toys.linear([2.0, -1.0], [0.0, 1.0]), torch.tensor([[3.0, 4.0]], dtype=torch.float64)
    assert Saliency(model).attribute(x, 0).tolist() == [[2.0, 1.0]]
    assert Saliency(model).attribute(x, 0, abs=False).tolist() == [[2.0, -1.0]]
    assert InputXGradient(model).attribute(x, 0).tolist() == [[6.0, -4.0]]
    assert IntegratedGradients(model).attribute(x, 1.0, 0, n_steps=1).tolist() == [[4.0, -3.0]]


def test_integrated_gradients_are_complete_in_the_limit():
    model, images = toys.mlp(3 * 64), toys.images()
    attributions, delta = IntegratedGradients(model, output="prob").attribute(images, "mean", "pred", return_convergence_delta=True)
    probabilities = model(images).softmax(1)
    predicted = probabilities.argmax(1)
    start = images.mean((2, 3), keepdim=True).expand_as(images)
    change = (probabilities - model(start).softmax(1)).gather(1, predicted[:, None])[:, 0]
    torch.testing.assert_close(attributions.sum((1, 2, 3)), change, rtol=1e-6, atol=1e-9)
    assert delta.abs().max() < 1e-8


def test_the_input_as_its_own_baseline_gives_nothing():
    images = toys.images()
    assert IntegratedGradients(toys.cnn()).attribute(images, images, 0).abs().max() == 0


def test_no_steps_are_refused():
    with pytest.raises(ValueError, match="n_steps must be a positive integer, got 0"):
        IntegratedGradients(toys.cnn()).attribute(toys.images(), target=0, n_steps=0)
    with pytest.raises(ValueError, match="n_steps must be at least 2 for method='riemann_middle', got 1"):
        IntegratedGradients(toys.cnn()).attribute(toys.images(), target=0, n_steps=1, method="riemann_middle")
