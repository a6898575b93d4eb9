"""LIME."""

import torch
from torch import Tensor

from xaiutils.core import make_generator, resolve_seed
from xaiutils.methods.base import Attribution
from xaiutils.methods.coalitions import PlayerValues, explained, games


class Lime(Attribution):
    r"""The weights of a linear model of which segments are there, fitted near the whole image.

    .. math:: A = \arg\min_{w, b} \sum_{s=1}^{S} \pi_s \left( p_t(x_{z_s}) - b - w \cdot z_s \right)^2 + \alpha |w|^2,
              \qquad \pi_s = e^{-d_s^2 / 2 \kappa^2}, \quad d_s = 1 - \sqrt{|z_s| / P}

    ``p_t``   probability of the target, ``output="prob"`` as in the paper
    ``z_s``   which of the P segments are shown, each with probability 1/2; the first sample shows all of them
    ``d_s``   cosine distance from z_s to the whole image; 1 where nothing is shown
    ``S``     ``n_samples``: 1000, and ``kappa`` ``kernel_width``: 0.25, and ``alpha`` 1, as released
    ``baselines``  what hidden segments show: their own mean colour, ``"segment mean"``, as released, or as elsewhere
    ``segmenter``  finds the segments: quickshift as released, in proportion to the image, about thirty for a photograph
              (:func:`xaiutils.methods.coalitions.scaled_quickshift`); ``feature_mask`` gives them, as in Captum

    Each entry carries the weight of its segment. ``explain`` gives the weights themselves.

    Limit cases   A score that is linear in the segments, alpha = 0 and more samples than segments give each segment the
                  sum of w (x - x') over it, whatever the draws. A large alpha gives 0.
    Deviations    No selection of features: every segment has a weight. Captum fits a Lasso with alpha 0.01, and takes
                  50 samples. Released is exp(-d^2 / kernel_width^2) under a square root, which is what stands above.
    Cost          ``n_samples`` forward passes.
    Source        Ribeiro, Singh, Guestrin: "Why Should I Trust You?", KDD 2016, Eq. 1 and 2, Algorithm 1; thesis,
                  chapter 4.
    """

    default_output = "prob"

    def attribute(self, inputs, baselines="segment mean", target=None, additional_forward_args=None, feature_mask=None,
                  *, segmenter=None, n_samples=1000, kernel_width=0.25, alpha=1.0, internal_batch_size=None, seed=0,
                  generator=None, return_convergence_delta=False):
        fit = Fit(n_samples, kernel_width, alpha, resolve_seed(seed, generator))
        with self.session(inputs, target, additional_forward_args, internal_batch_size,
                          return_convergence_delta) as session:
            return explained(games(session, baselines, feature_mask, segmenter, fit.seed), fit).attributions

    def explain(self, inputs, baselines="segment mean", target=None, additional_forward_args=None, feature_mask=None, *,
                segmenter=None, n_samples=1000, kernel_width=0.25, alpha=1.0, internal_batch_size=None, seed=0,
                generator=None) -> PlayerValues:
        """The segments and their weights; arguments are those of ``attribute``."""
        fit = Fit(n_samples, kernel_width, alpha, resolve_seed(seed, generator))
        with self.session(inputs, target, additional_forward_args, internal_batch_size) as session:
            return explained(games(session, baselines, feature_mask, segmenter, fit.seed), fit)


class Fit:
    """Draws coalitions of a game and fits them: ``Fit(...)(game)`` are the weights of its players (P,)."""

    def __init__(self, n_samples, kernel_width, alpha, seed):
        if int(n_samples) != n_samples or n_samples < 2:
            raise ValueError(f"n_samples must be an integer of at least 2, got {n_samples!r}.")
        if not kernel_width > 0:
            raise ValueError(f"kernel_width must be above 0, got {kernel_width!r}.")
        if not alpha >= 0:
            raise ValueError(f"alpha must be at least 0, got {alpha!r}.")
        self.n_samples, self.kernel_width, self.alpha, self.seed = n_samples, kernel_width, alpha, seed

    def __call__(self, game) -> Tensor:
        shown = torch.rand(self.n_samples, game.n_players, generator=make_generator(self.seed)) < 0.5
        shown[0] = True
        return ridge(shown.double(), game(shown), self.nearness(shown), self.alpha)

    def nearness(self, shown: Tensor) -> Tensor:
        """The weight pi_s of each sample, (S,)."""
        distance = 1 - shown.double().mean(1).sqrt()
        return (-(distance**2) / (2 * self.kernel_width**2)).exp()


def ridge(rows: Tensor, answers: Tensor, weights: Tensor, alpha: float) -> Tensor:
    """Weights (P,) of a linear model with a free intercept, the least squares plus alpha times their square."""
    shares = weights / weights.sum()
    rows, answers = rows - shares @ rows, answers - shares @ answers    # what the intercept takes
    root = weights.sqrt()[:, None]
    normal = (root * rows).T @ (root * rows) + alpha * torch.eye(rows.shape[1], dtype=rows.dtype)
    return torch.linalg.lstsq(normal, (rows.T @ (weights * answers))[:, None], driver="gelsd").solution[:, 0]
