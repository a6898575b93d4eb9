"""Sets of segments: answers counted by hand, chance against all choices."""

from itertools import combinations

import pytest
import torch

from xaiutils.metrics.segment_sets import (
    chance_jaccard, covering, jaccard, pairwise_jaccard, segment_means, top_segments,
)


def test_jaccard_by_hand():
    assert jaccard([1, 2, 3], torch.tensor([2, 3, 4])) == 2 / 4
    assert jaccard([], []) == 1 and jaccard([1], []) == 0


@pytest.mark.parametrize("n_a, n_b, n", [(2, 2, 4), (1, 3, 5), (3, 4, 6), (0, 2, 3)])
def test_chance_is_the_mean_over_all_choices(n_a, n_b, n):
    every = [jaccard(range(n_a), other) for other in combinations(range(n), n_b)]
    assert chance_jaccard(n_a, n_b, n) == pytest.approx(sum(every) / len(every), abs=1e-14)


def test_printed_levels_of_chance():
    assert round(chance_jaccard(5, 5, 10), 2) == 0.35 and round(chance_jaccard(5, 5, 100), 2) == 0.03
    assert chance_jaccard(4, 4, 4) == 1


def test_means_and_the_largest_of_them():
    segments = torch.tensor([[0, 0, 2], [1, 1, 2]])
    heatmap = torch.tensor([[1.0, 3.0, 0.0], [4.0, -2.0, 6.0]])
    assert segment_means(heatmap, segments).tolist() == [2.0, 1.0, 3.0]
    assert segment_means(torch.stack([heatmap, heatmap]), segments).tolist() == [4.0, 2.0, 6.0]
    assert segment_means(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1, 1]))[1] == 5.0
    assert segment_means(torch.ones(2), torch.tensor([0, 2])).isnan().tolist() == [False, True, False]
    assert top_segments(torch.tensor([2.0, 1.0, 3.0]), 2).tolist() == [0, 2]
    assert top_segments(torch.tensor([1.0, torch.nan, 1.0]), 5).tolist() == [0, 2]


def test_refusals():
    with pytest.raises(ValueError, match="n_a and n_b"):
        chance_jaccard(5, 1, 4)
    with pytest.raises(ValueError, match="values must be places"):
        segment_means(torch.zeros(3, 4), torch.zeros(2, 2, dtype=torch.long))


def test_pairs_of_three_sets_by_hand():
    assert pairwise_jaccard([[1, 2], [2, 3], torch.tensor([1, 2])]) == pytest.approx((1 / 3 + 1 + 1 / 3) / 3)
    with pytest.raises(ValueError, match="sets must be at least two, got 1"):
        pairwise_jaccard([[1]])


def test_the_best_segments_cover_the_share_asked_for():
    segments = torch.tensor([[0, 0, 0, 1], [2, 2, 1, 1], [3, 3, 3, 3]])                    # sizes 3, 3, 2, 4
    scores = torch.tensor([0.1, 0.9, float("nan"), 0.5])
    expected = {0.1: {1}, 0.25: {1}, 0.26: {1, 3}, 7 / 12: {1, 3}, 0.6: {0, 1, 3}, 1.0: {0, 1, 2, 3}}
    for share, chosen in expected.items():
        assert set(segments[covering(scores, segments, share)].tolist()) == chosen
    with pytest.raises(ValueError, match="share must lie in"):
        covering(scores, segments, 0)
