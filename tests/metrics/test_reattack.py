"""Parts of a perturbation on linear scores, where every number is known."""

import numpy as np
import pytest
import torch

from xaiutils.engine import Engine
from xaiutils.methods.pgd import PGD
from xaiutils.metrics.reattack import Restricted, part_of, scaled_like, smallest_alpha

LADDER = torch.cat([-torch.arange(1.0, 51), torch.arange(1.0, 51)])[None].double()      # -50 ... -1, 1 ... 50 in some order


def engine(weights, start):
    """Two classes, logits w . x + start and 0: class 0 as long as w . x > -start."""
    return Engine(lambda x: torch.stack([x @ weights + start, 0 * x[:, 0]], 1))


def test_tails_and_middle_are_the_whole():
    assert torch.equal(part_of(LADDER, 15) + part_of(LADDER, 15, "middle"), LADDER)
    assert part_of(LADDER, 15)[part_of(LADDER, 15) != 0].abs().min() == 36           # 15 at each end: 36 ... 50
    assert torch.equal(part_of(LADDER, 50), LADDER) and not part_of(LADDER, 0).any()


def test_random_has_as_many_features_from_its_seed_alone():
    drawn = part_of(LADDER, 15, "random", seed=1)
    assert (drawn != 0).sum() == 30
    assert torch.equal(drawn[drawn != 0], LADDER[drawn != 0])
    assert torch.equal(drawn, part_of(LADDER, 15, "random", seed=1)) and not torch.equal(drawn, part_of(LADDER, 15, "random", seed=2))


def test_a_part_scaled_like_the_tails_has_their_norm_and_its_own_direction():
    like = part_of(LADDER, 15)
    scaled, plain = part_of(LADDER, 15, "middle", like=like), part_of(LADDER, 15, "middle")
    assert scaled.norm().item() == pytest.approx(like.norm().item())
    assert torch.nn.functional.cosine_similarity(scaled, plain).item() == pytest.approx(1)
    assert not scaled_like(torch.zeros(1, 3), like).any()


def test_the_smallest_alpha_of_a_linear_score_by_hand():
    weights = -LADDER[0].sign()                                           # pasting features lowers the score by the sum of |v|
    x = torch.zeros(1, 100, dtype=torch.float64)
    lost = {alpha: part_of(LADDER, alpha).abs().sum().item() for alpha in range(1, 51)}
    assert lost[1] == 100 and lost[3] == 2 * (50 + 49 + 48)
    for start in (99.0, 101.0, 250.0):
        expected = next(alpha for alpha, sum_ in lost.items() if sum_ > start)
        assert smallest_alpha(engine(weights, start), x, LADDER, torch.tensor([0])) == expected
    assert np.isnan(smallest_alpha(engine(weights, 1e6), x, LADDER, torch.tensor([0])))


def test_the_smallest_alpha_pastes_the_tails_of_the_other_function():
    v = torch.randn(1, 3, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    asked = []

    class Asked:
        def scores(self, rows):
            asked.append(rows)
            return torch.tensor([[1.0, 0.0]])

    assert np.isnan(smallest_alpha(Asked(), 0 * v, v, torch.tensor([0]), [0, 7, 15, 50]))
    for rows, alpha in zip(asked, (0, 7, 15, 50), strict=True):
        assert torch.equal(rows, part_of(v, alpha))


def test_a_restricted_attack_changes_its_features_only_and_is_the_attack_there():
    weights = torch.tensor([3.0, -4.0, 12.0], dtype=torch.float64)
    mask = torch.tensor([1.0, 1.0, 0.0])
    x, target, attack = torch.zeros(1, 3, dtype=torch.float64), torch.tensor([0]), PGD(0.5, 2, 10.0)
    v = attack.perturb(Restricted(engine(weights, 5.0), mask), x, target)
    torch.testing.assert_close(v, torch.tensor([[-0.6, 0.8, 0.0]], dtype=torch.float64))
    everywhere = attack.perturb(Restricted(engine(weights, 5.0), torch.ones(3)), x, target)
    assert torch.equal(everywhere, attack.perturb(engine(weights, 5.0), x, target))


def test_an_unknown_part_is_named():
    with pytest.raises(ValueError, match="part must be tails, middle or random, got 'ends'"):
        part_of(LADDER, 15, "ends")
