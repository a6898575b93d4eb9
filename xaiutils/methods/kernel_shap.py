"""KernelSHAP."""

from math import comb

import torch
from torch import Tensor

from xaiutils.core import make_generator, resolve_seed
from xaiutils.methods.base import Attribution
from xaiutils.methods.coalitions import PlayerValues, explained, games
from xaiutils.methods.shapley import MOST_PLAYERS, all_coalitions


class KernelShap(Attribution):
    r"""Shapley values by least squares: the additive game nearest to the network's, over coalitions asked or drawn.

    .. math:: A = \arg\min_{\phi} \sum_{S} \pi(|S|) \left( f_t(x_S) - f_t(x') - \sum_{i \in S} \phi_i \right)^2
              \quad\text{with}\quad \sum_i \phi_i = f_t(x) - f_t(x'), \qquad
              \pi(s) = \frac{P - 1}{\binom{P}{s} s (P - s)}

    ``x_S``   the input where those of the P players of ``feature_mask`` in S are present, elsewhere ``baselines``: 0
    ``segmenter``  finds the players without a mask: quickshift with LIME's parameters, in proportion to the image,
              about thirty for a photograph; see :func:`xaiutils.methods.coalitions.scaled_quickshift`
    ``n_samples``  coalitions asked beside none and all: 1024, a few seconds for a photograph. Where all 2^P - 2 are no
              more than that, each is asked once, and the values are exact. Otherwise sizes are drawn by
              their share (P - 1) / (s (P - s)), members evenly, and each coalition is followed by its complement

    Each entry carries the value of its player, as in Captum. ``explain`` gives the values themselves.

    Limit cases   Over all coalitions the values are Shapley's. A linear score gives each player the sum of w (x - x')
                  over its entries, from as many samples as the equations need. One player gets f_t(x) - f_t(x').
    Deviations    Captum draws with replacement also where all coalitions could be asked, and holds the constraint by a
                  large weight; here it is exact. Complements as in the shap package.
    Cost          ``n_samples`` forward passes and two, or 2^P where that is less.
    Source        Lundberg, Lee: A Unified Approach to Interpreting Model Predictions, NeurIPS 2017, Theorem 2; thesis,
                  chapter 6.
    """

    def attribute(self, inputs, baselines=None, target=None, additional_forward_args=None, feature_mask=None, *,
                  segmenter=None, n_samples=1024, internal_batch_size=None, seed=0, generator=None,
                  return_convergence_delta=False):
        _check(n_samples)
        seed = resolve_seed(seed, generator)
        with self.session(inputs, target, additional_forward_args, internal_batch_size,
                          return_convergence_delta) as session:
            all_games = games(session, baselines, feature_mask, segmenter, seed)
            return explained(all_games, lambda game: kernel_shap(game, game.n_players, n_samples, seed)).attributions

    def explain(self, inputs, baselines=None, target=None, additional_forward_args=None, feature_mask=None, *,
                segmenter=None, n_samples=1024, internal_batch_size=None, seed=0, generator=None) -> PlayerValues:
        """The players and their values; arguments are those of ``attribute``."""
        _check(n_samples)
        seed = resolve_seed(seed, generator)
        with self.session(inputs, target, additional_forward_args, internal_batch_size) as session:
            all_games = games(session, baselines, feature_mask, segmenter, seed)
            return explained(all_games, lambda game: kernel_shap(game, game.n_players, n_samples, seed))


def _check(n_samples):
    if int(n_samples) != n_samples or n_samples < 2:
        raise ValueError(f"n_samples must be an integer of at least 2, for pairs of complements, got {n_samples!r}.")


def kernel_shap(value_function, n_players: int, n_samples: int, seed: int = 0) -> Tensor:
    """Values (P,) of the game ``value_function``: booleans (S, P) in, worths (S,) out; see :class:`KernelShap`."""
    present, weights = coalitions(n_players, n_samples, make_generator(seed))
    worths = value_function(torch.cat([torch.tensor([[False], [True]]).expand(2, n_players), present])).double()
    nobody, change = worths[0], worths[1] - worths[0]
    if n_players == 1:
        return change[None]
    last = present[:, -1:].double()                                     # the constraint leaves P - 1 unknown
    design, answer = present[:, :-1].double() - last, worths[2:] - nobody - last[:, 0] * change
    root = weights.sqrt()
    values = torch.linalg.lstsq(root[:, None] * design, (root * answer)[:, None], driver="gelsd").solution[:, 0]
    return torch.cat([values, change[None] - values.sum()])


def coalitions(n_players, n_samples, generator):
    """Coalitions, booleans (S, P), neither none nor all, and their weights (S,)."""
    sizes = torch.arange(1, n_players, dtype=torch.float64)
    if n_players <= MOST_PLAYERS and 2**n_players - 2 <= n_samples:
        present = all_coalitions(n_players)[1:-1]
        kernel = [(n_players - 1) / (comb(n_players, s) * s * (n_players - s)) for s in range(1, n_players)]
        return present, torch.tensor(kernel, dtype=torch.float64)[present.sum(1) - 1]
    shares = (n_players - 1) / (sizes * (n_players - sizes))
    size = torch.multinomial(shares, n_samples // 2, replacement=True, generator=generator) + 1
    order = torch.rand(len(size), n_players, generator=generator).argsort(1).argsort(1)
    present = order < size[:, None]
    return torch.stack([present, ~present], 1).flatten(0, 1), torch.ones(2 * len(size), dtype=torch.float64)
