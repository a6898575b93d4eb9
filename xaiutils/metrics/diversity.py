r"""What does a network make of the samples that a method draws around an image? Where their features lie.

``features``  (S, F) what enters the last linear layer, one row a sample: :func:`xaiutils.metrics.paths.feature_path`

.. math:: \mathrm{diversity} = 1 - \frac{1}{S (S - 1)} \sum_{s \ne r} \cos(h_s, h_r), \qquad
          \mathrm{alignment} = \cos\Big(\sum_s h_s, \sum_r h'_r\Big)

The paper asks samples for both: features that vary, around those of the image. Noise levels and drop probabilities are
not on one scale, so two ways of sampling are compared at the same level AND at the same distance from the image.

Source  Sampling Matters in Explanations (manuscript), Section 3.3, Figure 5.
"""

from typing import NamedTuple

import numpy as np
import torch
from sklearn.decomposition import KernelPCA
from torch import Tensor

from xaiutils.core import check_inputs


class Cloud(NamedTuple):
    """The samples of one kind in the plane that all kinds share."""

    points: Tensor  # (S, n_components)
    centre: Tensor  # (n_components,) their mean, Figure 5's "+"
    spread: float   # root of their mean squared distance from it


def feature_diversity(features):
    """1 - the mean cosine of all pairs of rows of ``features`` (S, F): 0 where all point the same way. -> float"""
    unit = _unit(features, "features")
    n = len(unit)
    if n < 2:
        raise ValueError(f"features must have at least two rows, got shape {tuple(features.shape)}.")
    pairs = unit.sum(0).square().sum() - n                               # all s, r but the n with s = r
    return float(1 - pairs / (n * (n - 1)))


def feature_alignment(features, reference):
    """Cosine of the centres of ``features`` (S, F) and ``reference`` (R, F): 1 if they point the same way. -> float"""
    for name, rows in (("features", features), ("reference", reference)):
        check_inputs(rows, name)
    if features.shape[1:] != reference.shape[1:]:
        raise ValueError(f"reference must be (R, {features.shape[1]}) as features, got shape {tuple(reference.shape)}.")
    centres = [_unit(rows.double().mean(0, keepdim=True), name)[0]
               for name, rows in (("the mean of features", features), ("the mean of reference", reference))]
    return float(centres[0] @ centres[1])


def feature_plane(features, n_components=2):
    """Samples of several kinds in the plane of a PCA with cosine kernel, fitted to all together. -> {kind: Cloud}

    ``features``  {kind: (S, F)}, such as ``{"noise 0.3": ..., "dropping 0.7": ...}``; the numbers of rows may differ
    """
    unit = {kind: _unit(rows, f"features[{kind!r}]") for kind, rows in features.items()}
    n_rows = sum(map(len, unit.values()))
    if n_rows <= n_components:
        raise ValueError(f"features must have more than n_components={n_components} rows in all, got {n_rows}.")
    rows = torch.cat(list(unit.values())).cpu().numpy()
    placed = KernelPCA(n_components, kernel="cosine", eigen_solver="dense").fit_transform(rows)
    parts = np.split(placed, np.cumsum([len(part) for part in unit.values()])[:-1])
    return {kind: _cloud(torch.from_numpy(part)) for kind, part in zip(unit, parts)}


def _cloud(points):
    centre = points.mean(0)
    return Cloud(points, centre, float((points - centre).square().sum(1).mean().sqrt()))


def _unit(rows, name):
    """Rows (S, F) scaled to length 1, in float64; a row of zeros has no direction and is refused."""
    check_inputs(rows, name)
    if rows.dim() != 2:
        raise ValueError(f"{name} must be (S, F), got shape {tuple(rows.shape)}.")
    norms = rows.double().norm(dim=1, keepdim=True)
    if not (norms > 0).all():
        raise ValueError(f"{name} must have no row of zeros, got one at {int((norms[:, 0] == 0).nonzero()[0])}.")
    return rows.detach().double() / norms.detach()
