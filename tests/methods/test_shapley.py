"""Shapley values: games with known values, the axioms, the definition over orders, golden numbers, Captum."""

from itertools import permutations

import captum.attr
import pytest
import toys
import torch

from xaiutils.methods import METHODS, ExactShapley
from xaiutils.methods.segments import Grid
from xaiutils.methods.shapley import all_coalitions, exact_shapley

GENERATOR = torch.Generator().manual_seed(3)


def over_orders(worth, n_players):
    """The definition: what each player adds when it arrives, the mean over all orders of arrival."""
    values, orders = torch.zeros(n_players, dtype=torch.float64), list(permutations(range(n_players)))
    for order in orders:
        for place, player in enumerate(order):
            values[player] += worth({*order[: place + 1]}) - worth({*order[:place]})
    return values / len(orders)


def by_sets(worth):
    """A game of sets as a game of rows of booleans."""
    return lambda present: torch.tensor([float(worth({*row.nonzero().flatten().tolist()})) for row in present])


def test_a_shared_taxi():
    # fares 6, 12, 42 alone, together the farthest: 6/3 = 2, then (12 - 6)/2 = 3 more, then 42 - 12 = 30 more
    fares = [6, 12, 42]
    values = exact_shapley(by_sets(lambda riders: max((fares[k] for k in riders), default=0)), 3)
    torch.testing.assert_close(values, torch.tensor([2.0, 5.0, 35.0]).double(), rtol=1e-15, atol=0)


def test_gloves():
    # one left glove, two right ones, a pair is worth 1: left 2/3, right 1/6 each
    values = exact_shapley(by_sets(lambda s: 0 in s and len(s) > 1), 3)
    torch.testing.assert_close(values, torch.tensor([4.0, 1.0, 1.0]).double() / 6, rtol=1e-15, atol=0)


@pytest.mark.parametrize("members", [[0], [1, 3], [0, 2, 4], range(5)])
def test_unanimity_games_share_among_their_members(members):
    values = exact_shapley(lambda present: 3 * present[:, list(members)].all(1).double() + 7, 5)
    expected = torch.zeros(5).double()
    expected[list(members)] = 3 / len(members)
    torch.testing.assert_close(values, expected, rtol=1e-14, atol=1e-15)


def test_a_game_of_sixteen_and_one_player():
    # together or not at all; then alone
    torch.testing.assert_close(exact_shapley(lambda s: s.all(1), 16), torch.full((16,), 1 / 16).double())
    assert exact_shapley(lambda s: 2 + 3 * s[:, 0], 1).tolist() == [3.0]


def test_any_game_against_the_definition_and_several_games_at_once():
    worths = torch.randn(32, 2, generator=GENERATOR, dtype=torch.float64)
    values = exact_shapley(lambda present: worths, 5)
    for game in range(2):
        slow = over_orders(lambda s: float(worths[sum(2**k for k in s), game]), 5)
        torch.testing.assert_close(values[:, game], slow, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(values.sum(0), worths[-1] - worths[0], rtol=1e-12, atol=1e-14)


def test_axioms():
    one, other = torch.randn(2, 16, generator=GENERATOR, dtype=torch.float64)
    present = all_coalitions(4)
    values = [exact_shapley(lambda _: v, 4) for v in (one, other, 2 * one - 3 * other)]
    torch.testing.assert_close(values[2], 2 * values[0] - 3 * values[1], rtol=1e-12, atol=1e-14)       # linearity
    swapped = (present[:, [1, 0, 2, 3]] * torch.tensor([1, 2, 4, 8])).sum(1)
    symmetric = exact_shapley(lambda _: one + one[swapped], 4)
    torch.testing.assert_close(symmetric[0], symmetric[1], rtol=1e-12, atol=0)                         # symmetry
    idle = exact_shapley(lambda _: one[(present[:, :3] * torch.tensor([1, 2, 4])).sum(1)] + 5 * present[:, 3], 4)
    assert idle[3] == pytest.approx(5, rel=1e-12) # a dummy gets its own


@pytest.mark.parametrize("n_players", [0, 17, 2.5])
def test_a_wrong_number_of_players_is_refused(n_players):
    with pytest.raises(ValueError, match=r"n_players must be 1 \.\.\. 16"):
        exact_shapley(lambda s: s.all(1), n_players)


def test_a_wrong_value_function_is_refused():
    with pytest.raises(ValueError, match=r"value_function must .* each of 8 coalitions, got shape \(3,\)"):
        exact_shapley(lambda s: torch.ones(3), 3)


def test_golden_values():
    arrays = toys.golden("dasp_shapley")
    net = toys.golden_shapley_net(arrays)
    values = ExactShapley(net).attribute(arrays["x"][None])[0]
    torch.testing.assert_close(values, arrays["exact_shapley"], rtol=1e-9, atol=1e-12)
    assert values.sum().item() == pytest.approx(arrays["meta"]["sums"]["f_x_minus_f_0"], rel=1e-12)


def test_a_linear_score_gives_weights_times_differences():
    x, start = torch.tensor([[1.0, 2.0, 3.0], [0.5, 0.0, -1.0]]).double(), torch.tensor([[0.5, 1.0, -1.0]]).double()
    values = ExactShapley(toys.linear([1, 0, 0], [2, -1, 4])).attribute(x, start, [1, 1])
    torch.testing.assert_close(values, torch.tensor([[1.0, -1.0, 16.0], [0.0, 1.0, 0.0]]).double())


def test_players_of_a_mask_share_as_in_captum():
    # all of Captum's orders, 4! of 4 players
    model, images = toys.cnn(), toys.images(2)
    mask = torch.randint(4, (2, 3, 8, 8), generator=GENERATOR)  # each image its own players, channels apart
    asked = dict(baselines=0.3, target=[1, 3], feature_mask=mask)
    game = captum.attr.ShapleyValues(model)
    theirs = [game.attribute(images[k:k + 1], 0.3, asked["target"][k], feature_mask=mask[k:k + 1]) for k in range(2)]
    told = ExactShapley(model).explain(images, **asked)
    ours = told.attributions.float()  # Captum adds up in float32
    torch.testing.assert_close(ours, torch.cat(theirs), rtol=1e-5, atol=1e-6)
    for k, values in enumerate(told.values):
        change = (model(images[k:k + 1]) - model(torch.full_like(images[:1], 0.3)))[0, asked["target"][k]]
        assert len(values) == 4 and values.sum().item() == pytest.approx(change.item(), rel=1e-9)


def test_eight_cells_by_default_and_numbers_of_a_mask_need_not_follow_each_other():
    told = ExactShapley(toys.cnn()).explain(toys.images(1), target=0)
    cells = torch.as_tensor(Grid(2, 4)(torch.empty(8, 8, 3)))
    assert len(told.values[0]) == 8 and torch.equal(told.players[0], cells.expand(3, 8, 8))
    again = ExactShapley(toys.cnn()).attribute(toys.images(1), target=0, feature_mask=10 * cells + 5)
    torch.testing.assert_close(again, told.attributions, rtol=1e-12, atol=0)


def test_tokens_are_players():
    # four tokens of three entries, a score that multiplies the sums of two: each gets half
    def network(rows):
        return rows[:, 1].sum(1) * rows[:, 2].sum(1)
    values = ExactShapley(network).attribute(torch.ones(1, 4, 3).double())
    torch.testing.assert_close(values[0], torch.tensor([0.0, 4.5, 4.5, 0.0]).double()[:, None].expand(4, 3))


@pytest.mark.parametrize("mask, message", [
    (torch.arange(17).expand(1, 17), "feature_mask must make at most 16 players.* got 17; kernel-shap samples them"),
    (torch.zeros(1, 17), "feature_mask must be integers, one number a player, got torch.float32"),
    (torch.zeros(1, 5).long(), r"feature_mask must have a shape that broadcasts to inputs \(1, 17\), got \(1, 5\)"),
])
def test_wrong_masks_are_refused(mask, message):
    with pytest.raises(ValueError, match=message):
        METHODS["exact-shapley"](lambda rows: rows.sum(1)).attribute(torch.ones(1, 17), feature_mask=mask)
