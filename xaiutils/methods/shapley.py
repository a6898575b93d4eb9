"""Shapley values, exactly: every coalition is asked."""

from math import factorial

import torch
from torch import Tensor

from xaiutils.core import resolve_seed
from xaiutils.methods.base import Attribution
from xaiutils.methods.coalitions import PlayerValues, explained, games
from xaiutils.methods.segments import Grid, each_place

MOST_PLAYERS = 16  # 65536 coalitions; each further player doubles them


def all_coalitions(n_players: int) -> Tensor:
    """Every subset of the players, booleans (2^n, n); row r holds player i where bit i of r is set."""
    return (torch.arange(2**n_players)[:, None] >> torch.arange(n_players)) & 1 == 1


def exact_shapley(value_function, n_players: int) -> Tensor:
    r"""The Shapley values of any game with at most 16 players.

    .. math:: \phi_i = \sum_{S \not\ni i} \frac{|S|!\,(n - |S| - 1)!}{n!} \left( v(S \cup \{i\}) - v(S) \right)

    ``v``  ``value_function``: coalitions, booleans (2^n, n), in; their worths (2^n,), or (2^n, T) for T games, out

    Gives float64 (n,) or (n, T), which add up to v(all) - v(nobody).

    >>> exact_shapley(lambda present: present.all(1), 4).tolist()          # together or not at all
    [0.25, 0.25, 0.25, 0.25]
    """
    if int(n_players) != n_players or not 1 <= n_players <= MOST_PLAYERS:
        raise ValueError(f"n_players must be 1 ... {MOST_PLAYERS}, as all 2^n coalitions are asked, got {n_players!r}.")
    present = all_coalitions(n_players)
    worths = torch.as_tensor(value_function(present)).double()
    if worths.shape[:1] != present.shape[:1]:
        raise ValueError(f"value_function must return a worth for each of {len(present)} coalitions, got shape "
                         f"{tuple(worths.shape)}.")
    share = torch.tensor([factorial(s) * factorial(n_players - s - 1) / factorial(n_players) for s in range(n_players)],
                         dtype=torch.float64, device=worths.device)
    values, rows, sizes = [], torch.arange(len(present)), present.sum(1)
    for player in range(n_players):
        without = rows[~present[:, player]]
        gains = worths[without + 2**player] - worths[without]              # (2^(n-1),) or (2^(n-1), T)
        values.append(torch.tensordot(share[sizes[without]], gains, dims=1))
    return torch.stack(values)


class ExactShapley(Attribution):
    r"""What each part of the input is worth, averaged over every order in which the parts can appear.

    .. math:: A_i = \sum_{S \not\ni i} \frac{|S|!\,(P - |S| - 1)!}{P!} \left( f_t(x_{S \cup \{i\}}) - f_t(x_S) \right)

    ``x_S``   the input where the players S are present, and elsewhere ``baselines``: 0, as in Captum; see
              :func:`xaiutils.methods.baselines.resolve_baselines`
    ``P``     players, 16 at most. ``feature_mask``, integers that broadcast to the inputs, says as in Captum whose each
              entry is. Default: cells of an image, 2 rows of 4, because 2^8 coalitions are a second or two for a
              photograph and each further player doubles that; elsewhere each token or feature is a player
    ``segmenter``  what finds the players without a mask, as in LIME: an array in, integers out

    Each entry carries the value of its player, as in Captum. ``explain`` gives the values themselves.

    Limit cases   A linear score gives each player the sum of w (x - x') over its entries. The players' values add up to
                  f_t(x) - f_t(x'), two players that do the same get the same, one that does nothing gets 0.
    Deviations    Captum's ShapleyValues asks every order, P!, where 2^P coalitions give the same. No convergence delta:
                  it is zero for the players' values, and the entries of a player repeat its value.
    Cost          ``2**P`` forward passes, 256 by default.
    Source        Shapley: A Value for n-Person Games, 1953; Lundberg, Lee: A Unified Approach to Interpreting Model
                  Predictions, NeurIPS 2017, Eq. 4 and 8.
    """

    def attribute(self, inputs, baselines=None, target=None, additional_forward_args=None, feature_mask=None, *,
                  segmenter=None, internal_batch_size=None, seed=0, generator=None, return_convergence_delta=False):
        seed = resolve_seed(seed, generator)
        with self.session(inputs, target, additional_forward_args, internal_batch_size,
                          return_convergence_delta) as session:
            all_games = games(session, baselines, feature_mask, segmenter or coarse(inputs), seed)
            return explained(all_games, self._values).attributions

    def explain(self, inputs, baselines=None, target=None, additional_forward_args=None, feature_mask=None, *,
                segmenter=None, internal_batch_size=None, seed=0) -> PlayerValues:
        """The players and their values; arguments are those of ``attribute``."""
        with self.session(inputs, target, additional_forward_args, internal_batch_size) as session:
            all_games = games(session, baselines, feature_mask, segmenter or coarse(inputs), seed)
            return explained(all_games, self._values)

    @staticmethod
    def _values(game):
        if game.n_players > MOST_PLAYERS:
            raise ValueError(f"feature_mask must make at most {MOST_PLAYERS} players, as all 2^P coalitions are asked, "
                             f"got {game.n_players}; kernel-shap samples them.")
        return exact_shapley(game, game.n_players)


def coarse(inputs: Tensor):
    """Few players: eight cells of an image."""
    return Grid(2, 4) if inputs.dim() == 4 else each_place
