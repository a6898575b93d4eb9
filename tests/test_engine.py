"""Scores and gradients against autograd by hand, in any batches."""

import math

import pytest
import toys
import torch

from xaiutils.engine import Engine


@pytest.mark.parametrize("size", [1, 2, 5, None])
def test_scores_and_gradients_are_autograds(size):
    model, images = toys.cnn(), toys.images(5)
    first, second = torch.tensor([0, 1, 2, 3, 4]), torch.tensor([4, 4, 4, 0, 0])
    scores, grad_first, grad_second = Engine(model, output="prob", internal_batch_size=size).gradients(images, first, second)
    x = images.clone().requires_grad_()
    expected = model(x).softmax(1)
    torch.testing.assert_close(scores, expected.detach())
    for gradient, target in ((grad_first, first), (grad_second, second)):
        torch.testing.assert_close(gradient, torch.autograd.grad(expected.gather(1, target[:, None]).sum(), x, retain_graph=True)[0])
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("output, expected", [
    ("logit", [1.0, 0.0]), ("prob", [0.7310585786, 0.2689414214]), ("logprob", [-0.3132616875, -1.3132616875]),
    ("double_softmax", [1 / (1 + math.exp(-math.tanh(0.5))), 1 / (1 + math.exp(math.tanh(0.5)))]),  # p_1 - p_2 = tanh(1/2)
])
def test_what_is_explained(output, expected):
    scores = Engine(toys.linear([1.0], [0.0]), output=output).scores(torch.ones(1, 1, dtype=torch.float64))
    torch.testing.assert_close(scores, torch.tensor([expected], dtype=torch.float64))


def test_one_output_is_one_class():
    assert Engine(lambda x: x.sum(1)).scores(torch.ones(2, 3)).tolist() == [[3.0], [3.0]]


def test_memory_is_bounded_by_the_batch_size():
    seen = []
    Engine(lambda x: seen.append(len(x)) or x, internal_batch_size=3).scores(torch.ones(7, 2))
    assert seen == [3, 3, 1]
    assert Engine(lambda x: x).batch_size(torch.ones(1, 3, 224, 224)) == 8
    assert Engine(lambda x: x).batch_size(torch.ones(1, 2)) == 512 and Engine(lambda x: x).batch_size(torch.ones(1, 3, 999, 999)) == 1


def test_bfloat16_runs_the_network_coarsely_and_returns_float32():
    torch.manual_seed(0)
    model, x = torch.nn.Linear(64, 3).eval(), torch.rand(4, 64)
    exact, coarse = Engine(model).scores(x), Engine(model, precision="bf16").scores(x)
    assert coarse.dtype == torch.float32 and 0 < (exact - coarse).abs().max() < 0.02


@pytest.mark.parametrize("options, message", [
    ({"output": "odds"}, "output must be one of logit, prob, logprob, double_softmax, got 'odds'"),
    ({"precision": "int8"}, "precision must be"), ({"internal_batch_size": 2.5}, "internal_batch_size must be a positive integer"),
])
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Engine(lambda x: x, **options)


def test_what_a_model_may_not_return():
    with pytest.raises(ValueError, match=r"forward_func must return logits of shape \(2, K\) for 2 rows, got \(2, 3, 4\)"):
        Engine(lambda x: torch.ones(2, 3, 4)).scores(torch.ones(2, 3))
    with pytest.raises(ValueError, match="got tuple"):
        Engine(lambda x: (x, x)).scores(torch.ones(2, 3))
