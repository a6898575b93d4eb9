"""DASP: Shapley values by one pass of means and variances for each player and size of coalition."""

import torch
from torch import Tensor

from xaiutils.core import resolve_seed
from xaiutils.methods.base import Attribution
from xaiutils.methods.baselines import resolve_baselines
from xaiutils.methods.coalitions import PlayerValues, players_of
from xaiutils.methods.moments import Moments
from xaiutils.methods.segments import Grid, each_place

LEAST_VARIANCE = 1e-5  # of the first layer's units, as released


class DASP(Attribution):
    r"""Shapley values where the coalitions of one size are one Gaussian, which passes through the network.

    .. math:: A_i = \frac{1}{|K|} \sum_{k \in K} \left( E f_t(x_{S_k \cup \{i\}}) - E f_t(x_{S_k}) \right), \qquad
              z = \sum_{j \in S_k} c_j, \quad E z = k \mu, \quad
              V z = k \sigma^2 \left( 1 - \frac{k - 1}{P - 2} \right)

    ``S_k``   a random coalition of k of the other P - 1 players; absent ones show ``baselines``, 0 as in the paper
    ``c_j``   what player j adds to a unit z of the first linear layer; mu and sigma^2 are its mean and variance over
              the others. Player i adds c_i to the mean and leaves the variance, which is at least 1e-5, as released
    ``P``     players. ``feature_mask`` or ``segmenter`` say whose each entry is, as in exact-shapley. Default: 8 x 8
              cells of an image, because a player a pixel of a photograph would be a million passes
    ``K``     ``n_sizes`` sizes, the middles of as many equal blocks of 0 ... P - 1; None is all. 4, where the values
              of 64 players of the tests' network are 5 % (of their norm) from those of all 64 sizes; 8 gives 3 %
    ``local`` in a convolution only the n others that a unit sees count: P - 1 becomes n and k becomes k n / (P - 1).
              True as released; False takes all P - 1, which gives mean and variance exactly

    Later layers take and give Gaussians (:mod:`xaiutils.methods.moments`). Each entry carries the value of its player;
    ``explain`` gives the values themselves.

    Limit cases   A linear score gives each player the sum of w (x - x') over its entries, whatever K.
    Deviations    The released code takes k n / P for convolutions, not k n / (P - 1), forgets the first stride and its
                  windows are right on square images only. It divides a window's value by its size; here each entry
                  carries it, as everywhere in this package. Baselines, normalisation before the first layer, BatchNorm,
                  ReLU6 and average pooling are added.
    Errors        A network that adds branches (ResNet) or has other activations is refused: it has no rule.
                  Few players are not Gaussian: with 8 the values add up to 0.39 where 0.29 is right (tests).
    Cost          two passes of means and variances for each player and size, 512 by default.
    Source        Ancona, Oztireli, Gross: Explaining Deep Neural Networks with a Polynomial Time Algorithm for Shapley
                  Values Approximation, ICML 2019; thesis, Eq. 6.25 and 6.26.
    """

    def __init__(self, forward_func, **options):
        super().__init__(forward_func, **options)
        if self.output != "logit":
            raise ValueError(f'output must be "logit" for dasp, since a softmax has no moments, got {self.output!r}.')

    def attribute(self, inputs, baselines=None, target=None, additional_forward_args=None, feature_mask=None, *,
                  segmenter=None, n_sizes=4, local=True, internal_batch_size=None, seed=0, generator=None,
                  return_convergence_delta=False):
        _check(n_sizes)
        with self.session(inputs, target, additional_forward_args, internal_batch_size,
                          return_convergence_delta) as session:
            start = resolve_baselines(baselines, session.inputs, resolve_seed(seed, generator))
            return _explain(session, start, feature_mask, segmenter, n_sizes, local).attributions

    def explain(self, inputs, baselines=None, target=None, additional_forward_args=None, feature_mask=None, *,
                segmenter=None, n_sizes=4, local=True, internal_batch_size=None, seed=0) -> PlayerValues:
        """The players and their values; arguments are those of ``attribute``."""
        _check(n_sizes)
        with self.session(inputs, target, additional_forward_args, internal_batch_size) as session:
            start = resolve_baselines(baselines, session.inputs, seed)
            return _explain(session, start, feature_mask, segmenter, n_sizes, local)


def _check(n_sizes):
    if n_sizes is not None and (int(n_sizes) != n_sizes or n_sizes < 1):
        raise ValueError(f"n_sizes must be a positive integer, or None for every size, got {n_sizes!r}.")


def _explain(session, start, feature_mask, segmenter, n_sizes, local):
    default = Grid() if session.inputs.dim() == 4 else each_place
    players = players_of(session.inputs, feature_mask, segmenter or default)
    values = [_values(session, image, start[image], mine, n_sizes, local) for image, mine in enumerate(players)]
    attributions = torch.stack([each.to(start)[mine] for each, mine in zip(values, players)])
    return PlayerValues(attributions, players, [each.double().cpu() for each in values])


def coalition_sizes(n_players: int, n_sizes=None) -> Tensor:
    """The middles of ``n_sizes`` equal blocks of 0 ... P - 1, or all of them."""
    blocks = torch.arange(n_players).tensor_split(min(n_sizes or n_players, n_players))
    return torch.stack([block[len(block) // 2] for block in blocks])


def _values(session, image, start, players, n_sizes, local):
    """The value of each player of one image, (P,)."""
    engine, x, target = session.engine, session.inputs[image], session.target[image]
    n_players = int(players.max()) + 1
    sizes = coalition_sizes(n_players, n_sizes).to(x.device)
    pairs = torch.cartesian_prod(torch.arange(n_players, device=x.device), sizes)        # (P |K|, 2): who, size
    values, layer = x.new_zeros(n_players), FirstLayer(players, local, engine.batch_size(x[None]))
    for who, size in (part.unbind(1) for part in pairs.split(max(1, engine.batch_size(x[None]) // 4))):
        rows = torch.stack([x, start]).repeat_interleave(2 * len(who), 0)
        images = torch.full((len(rows),), image, device=x.device)
        moments = Moments(lambda linear, entered: layer.moments(linear, entered, who, size))
        with torch.no_grad(), moments:
            scores = engine.forward(moments.start(rows), images)
        absent, present, *_ = scores[:, target].split(len(who))
        values.index_add_(0, who, (present - absent) / len(sizes))
    return values


class FirstLayer:
    """Means and variances of the first layer's units over coalitions; sums over players are kept for the next pass."""

    def __init__(self, players, local, batch_size):
        self.players, self.local, self.batch_size = players, local, batch_size
        self.n_players, self.sums = int(players.max()) + 1, None

    def moments(self, linear, entered, who, size):
        """[means without who, means with who, variances, variances], (4R, ...), for ``size`` others (R,)."""
        base = entered[len(entered) // 2:][:1]
        step = entered[:1] - base
        if step.numel() != self.players.numel():
            raise ValueError("model must leave each entry by itself before its first linear layer, got "
                             f"{self.players.numel()} entries made into {step.numel()}.")
        first, second, seen = self.sums = self.sums or self._sums(linear, step)
        own, sees = self._of(linear, step, who)                                   # (R, ...) c_i, whether i is seen
        n = (seen - sees if self.local else torch.full_like(own, self.n_players - 1)).clamp(min=1)
        size = size.to(own).view(-1, *[1] * (own.dim() - 1)) * n / max(self.n_players - 1, 1)
        mean = (first - own) / n
        variance = (second - own**2) / n - mean**2
        variance = (variance * size * (1 - (size - 1) / (n - 1).clamp(min=1))).clamp(min=LEAST_VARIANCE)
        without = linear.with_bias(base) + mean * size
        return torch.cat([without, without + own, variance, variance])

    def _of(self, linear, step, who):
        """What each of ``who`` adds to the units, and which units see it."""
        mine = (self.players == who.view(-1, *[1] * self.players.dim())).view(len(who), *step.shape[1:]).to(step)
        return linear(step * mine), (linear(mine, torch.ones_like(linear.weight)) > 0).to(step)

    def _sums(self, linear, step):
        """Over all players: what they add, its square, how many are seen; a batch of players at a time."""
        first, second, seen = 0.0, 0.0, 0.0
        for who in torch.arange(self.n_players, device=step.device).split(self.batch_size):
            own, sees = self._of(linear, step, who)
            first, second, seen = first + own.sum(0), second + own.square().sum(0), seen + sees.sum(0)
        return first, second, seen
