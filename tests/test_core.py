"""Targets, channel sums, seeds, and lending a model."""

import pytest
import toys
import torch

from xaiutils import core

SCORES = torch.tensor([[0.1, 0.9, 0.0], [0.5, 0.2, 0.3]])


@pytest.mark.parametrize("target, expected", [
    (2, [2, 2]), ([0, 1], [0, 1]), ("pred", [1, 0]), (torch.tensor(1), [1, 1]), (torch.tensor([2, 0], dtype=torch.int32), [2, 0]),
])
def test_targets(target, expected):
    assert core.resolve_target(target, SCORES).tolist() == expected


def test_no_target_is_needed_for_one_class():
    assert core.resolve_target(None, SCORES[:, :1]).tolist() == [0, 0]


def test_channels_are_reduced_as_named():
    a = torch.tensor([[[[1.0]], [[-3.0]], [[0.5]]]])
    reduced = {how: core.reduce_channels(a, how).item() for how in ("sum", "mean", "abs_sum", "abs_max")}
    assert reduced == {"sum": -1.5, "mean": -0.5, "abs_sum": 4.5, "abs_max": 3.0}
    with pytest.raises(ValueError, match="how must be one of sum, mean, abs_sum, abs_max, got 'max'"):
        core.reduce_channels(a, "max")
    with pytest.raises(ValueError, match=r"attributions must be \(N, C, H, W\), got shape \(3, 1, 1\)"):
        core.reduce_channels(a[0])


def test_a_generator_given_wins_and_moves_on():
    generator = core.make_generator(0)
    first, second = core.resolve_seed(7, generator), core.resolve_seed(7, generator)
    assert first != second and core.resolve_seed(7) == 7
    assert first == core.resolve_seed(8, core.make_generator(0))


def test_a_lent_model_is_frozen_and_comes_back_whole():
    model = toys.cnn()
    first = next(model.parameters())
    first.grad = torch.ones_like(first)
    handle = model[0].register_forward_hook(lambda *_: None)
    with pytest.raises(RuntimeError, match="stop"), core.lend(model) as lent:
        assert not any(p.requires_grad for p in lent.parameters())
        first.grad = None
        model[0].register_forward_pre_hook(lambda *_: None)
        model[0].note = "left behind"
        model[2].inplace = False
        model.training = True
        raise RuntimeError("stop")
    assert first.requires_grad and first.grad.equal(torch.ones_like(first))
    assert not model[0]._forward_pre_hooks and len(model[0]._forward_hooks) == 1 and not hasattr(model[0], "note")
    assert model[2].inplace and not model.training
    handle.remove()  # the owner's handle still reaches the hook
    assert not model[0]._forward_hooks


def test_running_statistics_come_back_too():
    model = toys.cnn().train()
    before = [buffer.clone() for buffer in model.buffers()]
    with core.lend(model, allow_train_mode=True) as lent:
        lent(toys.images())
        assert not torch.equal(model[1].running_mean, before[0])
    assert all(torch.equal(a, b) for a, b in zip(before, model.buffers(), strict=True)) and model.training
