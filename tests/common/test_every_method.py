"""What every method of the index promises, whatever it computes."""

import random

import numpy as np
import pytest
import toys
import torch

from xaiutils.methods import METHODS

everyone = pytest.mark.parametrize("name", METHODS)
TARGET = [1, 0, 4]


def toy(name):
    """A network that the method fits: CAM asks for one that ends in the mean of its last maps."""
    return toys.cnn(averaged=name == "cam")


def attribute(name, model, inputs, target, **options):
    return METHODS[name](model).attribute(inputs, target=target, **options)


@everyone
def test_a_batch_gives_what_its_images_give_singly(name):
    model, images = toy(name), toys.images()
    together = attribute(name, model, images, TARGET)
    singly = torch.cat([attribute(name, model, images[k:k + 1], TARGET[k]) for k in range(3)])
    torch.testing.assert_close(together, singly, rtol=1e-9, atol=1e-12)
    assert (together.abs().amax((1, 2, 3)) > 0).sum() >= 2  # Grad-CAM may find nothing that speaks for a class


@everyone
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_the_internal_batch_size_changes_nothing(name, size):
    model, images = toy(name), toys.images()
    default = attribute(name, model, images, TARGET)
    torch.testing.assert_close(attribute(name, model, images, TARGET, internal_batch_size=size), default, rtol=1e-9, atol=1e-12)


@everyone
def test_one_seed_gives_one_map_and_global_generators_are_left_alone(name):
    model, images = toy(name), toys.images()
    torch.manual_seed(1), np.random.seed(1), random.seed(1)
    first = attribute(name, model, images, TARGET, seed=3)
    torch.manual_seed(2), np.random.seed(2), random.seed(2)
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    assert torch.equal(attribute(name, model, images, TARGET, seed=3), first)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert (np.random.get_state()[1] == states[1]).all() and random.getstate() == states[2]


@everyone
def test_a_generator_wins_over_the_seed(name):
    model, images = toy(name), toys.images()
    first, again = (attribute(name, model, images, TARGET, seed=s, generator=torch.Generator().manual_seed(5)) for s in (0, 1))
    assert torch.equal(first, again)


class Breaks(torch.nn.Module):
    """The toy network that raises in its n-th call."""

    def __init__(self, network, at):
        super().__init__()
        self.network, self.at, self.calls = network, at, [0]
        self.eval()

    def forward(self, x):
        self.calls[0] += 1
        if self.calls[0] == self.at:
            raise RuntimeError("broken midway")
        return self.network(x)


def everything_about(model):
    """All that must be the same when a model comes back."""
    return [
        [(k, v.clone()) for k, v in model.state_dict().items()],
        [(p.requires_grad, None if p.grad is None else p.grad.clone()) for p in model.parameters()],
        [m.training for m in model.modules()],
        [[(k, list(v) if isinstance(v, dict) else v) for k, v in vars(m).items()] for m in model.modules()],
    ]


def assert_same(before, after):
    for (k, a), (_, b) in zip(before[0], after[0], strict=True):
        assert torch.equal(a, b), k
    for (want, grad), (want_after, grad_after) in zip(before[1], after[1], strict=True):
        assert want == want_after and (grad is grad_after is None or torch.equal(grad, grad_after))
    assert before[2:] == after[2:]


@everyone
@pytest.mark.parametrize("breaks_at", [None, 1, 2])
def test_the_model_comes_back_as_it_was_also_when_it_raises(name, breaks_at):
    model = Breaks(toy(name), breaks_at)
    first, *others = model.parameters()
    first.requires_grad_(False)
    others[0].grad = torch.ones_like(others[0])
    handle = model.network[0].register_forward_hook(lambda *_: None)
    before = everything_about(model)
    if breaks_at is None:
        attribute(name, model, toys.images(), TARGET)
    else:
        with pytest.raises(RuntimeError, match="broken midway"):
            attribute(name, model, toys.images(), TARGET)
    assert_same(before, everything_about(model))
    handle.remove()
    assert not model.network[0]._forward_hooks


@everyone
def test_the_inputs_are_left_alone(name):
    images = toys.images().requires_grad_()
    before = images.detach().clone()
    result = attribute(name, toy(name), images, TARGET)
    assert torch.equal(images, before) and images.grad is None and not result.requires_grad


@everyone
def test_pred_is_the_predicted_class(name):
    model, images = toy(name), toys.images()
    predicted = model(images).argmax(1)
    assert torch.equal(attribute(name, model, images, "pred"), attribute(name, model, images, predicted))


class Brightened(torch.nn.Module):
    """The network behind images times a factor each."""

    def __init__(self, network, factors=None):
        super().__init__()
        self.network, self.factors = network, factors
        self.eval()

    def forward(self, x, factors=None):
        factors = self.factors if factors is None else factors
        return self.network(x * factors.view(-1, 1, 1, 1))


@everyone
def test_additional_arguments_follow_their_images(name):
    model, images, factors = toy(name), toys.images(), torch.tensor([0.5, 1.0, 0.75], dtype=torch.float64)
    together = METHODS[name](Brightened(model)).attribute(images, target=TARGET, additional_forward_args=factors)
    alone = torch.cat([attribute(name, Brightened(model, f), images[k:k + 1], TARGET[k]) for k, f in enumerate(factors)])
    torch.testing.assert_close(together, alone, rtol=1e-9, atol=1e-12)


@everyone
@pytest.mark.parametrize("target, message", [
    (None, "target is missing: the model has 5 classes"), (5, r"target must lie in 0 \.\.\. 4"), (-1, r"target must lie in"),
    ([1], "target must be one int or 3 ints"), ("best", 'target must be an int, one int a row, or "pred"'),
    (torch.ones(3, 1, dtype=torch.long), "target must be one int or 3 ints"), (1.0, "target must be integer"),
    ([True, False, True], "target must be integer"),
])
def test_a_wrong_target_is_refused_by_name(name, target, message):
    with pytest.raises((ValueError, TypeError), match=message):
        attribute(name, toy(name), toys.images(), target)


@everyone
@pytest.mark.parametrize("inputs, message", [
    (toys.images().long(), "inputs must be floating point"), (toys.images()[:0], "inputs must be a batch"),
    (toys.images().numpy(), "inputs must be a tensor"), (toys.images() / 0, "inputs must be finite"),
])
def test_wrong_inputs_are_refused_by_name(name, inputs, message):
    with pytest.raises((ValueError, TypeError), match=message):
        attribute(name, toy(name), inputs, 0)


@everyone
def test_train_mode_is_refused_and_can_be_asked_for(name):
    model = toy(name)
    model[1].train()
    with pytest.raises(ValueError, match="model must be in eval mode, got train mode in 1"):
        attribute(name, model, toys.images(), TARGET)
    before = everything_about(model)
    METHODS[name](model, allow_train_mode=True).attribute(toys.images(), target=TARGET)
    assert_same(before, everything_about(model))


@everyone
def test_a_batch_size_of_zero_is_refused(name):
    with pytest.raises(ValueError, match="internal_batch_size must be a positive integer, got 0"):
        attribute(name, toy(name), toys.images(), 0, internal_batch_size=0)


@everyone
def test_the_convergence_delta_is_the_gap_or_is_refused(name):
    method, model, images = METHODS[name](toy(name)), toy(name), toys.images()
    if method.has_convergence_delta():
        options = {"path": "paper"} if name == "agi" else {}
        attributions, delta = method.attribute(images, target=TARGET, return_convergence_delta=True, **options)
        assert torch.equal(attributions, method.attribute(images, target=TARGET, **options)) and delta.shape == (3,)
    else:
        with pytest.raises(ValueError, match="return_convergence_delta is refused"):
            method.attribute(images, target=TARGET, return_convergence_delta=True)
