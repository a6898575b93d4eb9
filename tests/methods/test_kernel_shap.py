"""KernelSHAP: exact over all coalitions, closed forms, what sampling costs, Captum, errors."""

import captum.attr
import pytest
import toys
import torch

from xaiutils.methods import METHODS, ExactShapley, KernelShap
from xaiutils.methods.kernel_shap import coalitions, kernel_shap
from xaiutils.methods.segments import Grid
from xaiutils.methods.shapley import all_coalitions, exact_shapley

GENERATOR = torch.Generator().manual_seed(6)


@pytest.mark.parametrize("n_players", [1, 2, 3, 5, 9])
def test_over_all_coalitions_it_is_exact(n_players):
    worths = torch.randn(2**n_players, generator=GENERATOR, dtype=torch.float64)

    def game(present):
        return worths[(present * 2 ** torch.arange(n_players)).sum(1)]
    values = kernel_shap(game, n_players, n_samples=510)
    torch.testing.assert_close(values, exact_shapley(game, n_players), rtol=1e-9, atol=1e-12)


def test_the_exact_values_of_a_network():
    asked = dict(baselines="mean", target=[1, 0], feature_mask=torch.as_tensor(Grid(2, 5)(torch.empty(8, 8, 3))))
    ours, exact = (method(toys.cnn()).attribute(toys.images(2), **asked) for method in (KernelShap, ExactShapley))
    torch.testing.assert_close(ours, exact, rtol=1e-9, atol=1e-12)


def test_golden_values():
    arrays = toys.golden("dasp_shapley")
    w, b = ([arrays[f"{name}{k}"] for k in (1, 2, 3)] for name in "Wb")

    def network(rows):
        return ((rows @ w[0] + b[0]).relu() @ w[1] + b[1]).relu() @ w[2] + b[2]
    values = KernelShap(network).attribute(arrays["x"][None])[0]
    torch.testing.assert_close(values, arrays["exact_shapley"], rtol=1e-9, atol=1e-12)


def test_an_additive_game_from_few_samples():
    # twenty players, 80 of a million coalitions
    worth = torch.randn(20, generator=GENERATOR, dtype=torch.float64)
    values = kernel_shap(lambda present: 3 + present.double() @ worth, 20, n_samples=80)
    torch.testing.assert_close(values, worth, rtol=1e-10, atol=1e-12)


def test_fewer_samples_than_players_still_add_up():
    values = kernel_shap(lambda present: present.all(1).double(), 20, n_samples=6)
    assert values.sum().item() == pytest.approx(1, rel=1e-12)


def test_a_linear_score_gives_weights_times_differences():
    x, start = torch.tensor([[1.0, 2.0, 3.0]]).double(), torch.tensor([[0.5, 1.0, -1.0]]).double()
    values = KernelShap(toys.linear([2, -1, 4])).attribute(x, start)
    torch.testing.assert_close(values, torch.tensor([[1.0, -1.0, 16.0]]).double())


def test_sampling_comes_closer_with_more_samples():
    images, cells = toys.images(1), torch.as_tensor(Grid(3, 4)(torch.empty(8, 8, 3)))
    exact = ExactShapley(toys.cnn()).explain(images, target=1, feature_mask=cells).values[0]
    errors = []
    for n_samples in (128, 2048):  # of 4094
        asked = dict(target=1, feature_mask=cells, n_samples=n_samples)
        told = [KernelShap(toys.cnn()).explain(images, **asked, seed=seed).values[0] for seed in range(4)]
        assert not torch.equal(told[0], told[1])
        errors.append(sum((each - exact).norm() / exact.norm() for each in told) / 4)
    assert errors[1] < errors[0] / 2.5 and errors[1] < 0.1  # one fourth is expected


def test_drawn_coalitions_follow_the_kernel_and_come_with_their_complements():
    present, weights = coalitions(20, 20000, torch.Generator().manual_seed(0))
    assert torch.equal(present[::2], ~present[1::2]) and (weights == 1).all()
    sizes = torch.arange(1, 20).double()
    shares = 1 / (sizes * (20 - sizes))
    found = present.sum(1).bincount(minlength=20)[1:].double() / 20000
    torch.testing.assert_close(found, shares / shares.sum(), rtol=0, atol=0.01)  # three standard errors: 0.011
    torch.testing.assert_close(present.double().mean(0), torch.full((20,), 0.5).double())


def test_captum_fed_with_all_coalitions():
    # four players: coalitions of 1, 2, 3 members have kernels 1/4, 1/8, 1/4, so asked 2, 1, 2 times; ends by weight 1e6
    model, images, mask = toys.cnn(), toys.images(1), torch.arange(64).view(8, 8).remainder(4)
    theirs = captum.attr.KernelShap(model)
    rows = all_coalitions(4).long()
    times = torch.tensor([1, 2, 1, 2, 1])[rows.sum(1)]

    def every(_, **__):
        for row in rows.repeat_interleave(times, 0):
            yield row[None]
    theirs.perturb_func = every
    expected = theirs.attribute(images, 0.2, 3, feature_mask=mask.expand(1, 3, 8, 8), n_samples=int(times.sum()))
    ours = KernelShap(model).attribute(images, 0.2, 3, feature_mask=mask)
    torch.testing.assert_close(ours.float(), expected.float(), rtol=1e-3, atol=1e-5)  # they fit in float32


def test_segments_by_default_and_one_player_gets_the_change():
    told = KernelShap(toys.cnn()).explain(toys.images(2), target=0)
    change = (toys.cnn()(toys.images(2)) - toys.cnn()(torch.zeros(2, 3, 8, 8).double()))[:, 0]
    torch.testing.assert_close(torch.stack([values.sum() for values in told.values]), change)
    assert min(len(values) for values in told.values) > 3
    alone = KernelShap(toys.cnn()).attribute(toys.images(1), target=0, feature_mask=torch.zeros(1).long())
    torch.testing.assert_close(alone, change[:1, None, None, None].expand_as(alone))


@pytest.mark.parametrize("n_samples", [1, 2.5])
def test_wrong_numbers_of_samples_are_refused(n_samples):
    with pytest.raises(ValueError, match=f"n_samples must be an integer of at least 2, .* got {n_samples}"):
        METHODS["kernel-shap"](toys.cnn()).attribute(toys.images(1), target=0, n_samples=n_samples)
