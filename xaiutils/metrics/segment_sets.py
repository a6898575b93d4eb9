r"""Sets of segments: how much two of them share, what chance alone shares, and which segments a heat map picks.

.. math:: J(A, B) = \frac{|A \cap B|}{|A \cup B|}, \qquad
          E\,J = \sum_j \frac{j}{a + b - j}\, \frac{\binom{a}{j}\binom{n - a}{b - j}}{\binom{n}{b}}

``A, B``  numbers of the selected segments, a and b of them, among n
``E J``   the mean of J when B is any b of the n segments, each choice as likely as the others: what a Jaccard index
          must exceed before it says anything. With 5 of 10 segments it is 0.35, with 5 of 100 it is 0.03
"""

from itertools import combinations

import torch
from scipy.stats import hypergeom

from xaiutils.methods.segments import places_of


def jaccard(a, b):
    """Share of the members of two sets that both have, in [0, 1]; 1 where both are empty. -> float"""
    a, b = (set(s.tolist() if hasattr(s, "tolist") else s) for s in (a, b))
    return len(a & b) / len(a | b) if a | b else 1.0


def pairwise_jaccard(sets):
    """Mean Jaccard index over all pairs of at least two sets: how alike they are. -> float"""
    pairs = [jaccard(a, b) for a, b in combinations(sets, 2)]
    if not pairs:
        raise ValueError(f"sets must be at least two, got {len(sets)}.")
    return sum(pairs) / len(pairs)


def chance_jaccard(n_a, n_b, n_segments):
    """The expected Jaccard index of a set of ``n_a`` and a random set of ``n_b`` among ``n_segments``. -> float"""
    if not 0 <= n_a <= n_segments or not 0 <= n_b <= n_segments:
        raise ValueError(f"n_a and n_b must lie in 0 ... n_segments = {n_segments}, got {n_a!r} and {n_b!r}.")
    if n_a == n_b == 0:
        return 1.0
    shared = range(max(0, n_a + n_b - n_segments), min(n_a, n_b) + 1)
    return float(sum(j / (n_a + n_b - j) * hypergeom.pmf(j, n_segments, n_a, n_b) for j in shared))


def segment_means(values, segments):
    """Mean of one input's ``values`` over each of its segments. -> (S,) float64; NaN for a number that none has.

    ``values``    (H, W) or (C, H, W), whose channels are added up first; (L,) or (L, D) with tokens (L,)
    ``segments``  integers (H, W) or (L,)
    """
    values = torch.as_tensor(values).double()
    if values.shape != segments.shape:
        if values.dim() != segments.dim() + 1 or places_of(values) != segments.shape:
            raise ValueError(f"values must be places {tuple(segments.shape)}, with or without channels, "
                             f"got shape {tuple(values.shape)}.")
        values = values.sum(0 if values.dim() == 3 else 1)
    labels = segments.flatten()
    return torch.bincount(labels, values.flatten()) / torch.bincount(labels)


def top_segments(scores, k):
    """Numbers of the ``k`` segments with the largest ``scores`` (S,), exactly k, ties by number; NaN is left out."""
    order = scores.nan_to_num(nan=-torch.inf).argsort(descending=True, stable=True)
    return order[:min(k, int((~scores.isnan()).sum()))].sort().values


def covering(scores, segments, share):
    """The best segments by ``scores`` (S,), as many as it takes to cover ``share`` of the places. -> bool like segments

    Explanations whose segments differ in size are compared at one area: it exceeds ``share`` by less than a segment.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must lie in (0, 1], got {share!r}.")
    order = scores.nan_to_num(nan=-torch.inf).argsort(descending=True, stable=True)
    reached = torch.bincount(segments.flatten(), minlength=len(scores))[order].cumsum(0)
    n = int((reached < share * segments.numel() - 1e-9).sum()) + 1
    return torch.isin(segments, order[:n])
