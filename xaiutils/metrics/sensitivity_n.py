r"""Sensitivity-N: does the sum of the attributions of some features follow what the score loses without them?

For random sets S of n features, all sets of one size:

.. math:: \rho_n = \mathrm{corr}_S\Bigl(\sum_{i \in S} A_i,\; f_c(x) - f_c(x_{S \to \mathrm{fill}})\Bigr)

``rho_n``    Pearson correlation over the sets, one number for each image and n; 1 = the map satisfies Sensitivity-n up
             to a factor, 0 = it says nothing about such sets; HIGHER is better
``f_c``      score of the explained class; the same class for every set
features     of images (N, C, H, W) the pixels, on all channels; of other inputs (N, ...) each value
``n``        a ``fraction`` of the features, rounded, at least one and never all of them, of which there is one set only

Fill         ``substrate`` as in the insertion and deletion games: ``"black"`` (zeros, which the definition has),
             ``"mean"``, ``"blur"`` or a tensor. Methods whose own baseline it is have an advantage: IG's is black
Output       ``"logit"``, the activation before softmax as the definition's authors have it; ``"prob"``, its softmax
Undefined    NaN, where all sums or all losses are the same: a constant score, a map of equal values
Draws        each set is the beginning of an order of the features drawn from ``seed``: the same orders for every image
             and fraction, so that a fraction's number does not depend on which others are asked for
Limit cases  a linear score with A = w (x - fill) gives 1 for every n, -A gives -1; for any other map rho_n tends to the
             correlation of A with w (x - fill) over the features as sets become many, whatever n is
Source       Ancona, Ceolini, Oeztireli, Gross: Towards better understanding of gradient-based attribution methods,
             ICLR 2018, Section 4; Akhtar, Jalwana: credible path, Section 7, Figure 3 (fractions from 0.01 to 0.9; how
             many sets, and whether 0 is black, is not told there)
"""

import torch

from xaiutils.core import check_inputs, lend, make_generator, resolve_seed
from xaiutils.engine import Engine
from xaiutils.metrics.insertion_deletion import substrate_of

FRACTIONS = (0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def sensitivity_n(model, inputs, attributions, target="pred", *, fractions=FRACTIONS, n_subsets=100, substrate="black",
                  output="logit", internal_batch_size=None, seed=0, generator=None):
    """Correlation of attributed with lost score for each image and fraction; higher is better. -> (N, F), float64.

    ``inputs`` (N, C, H, W) or (N, ...), ``attributions`` like them or (N, H, W); ``n_subsets`` sets a fraction: 100, as
    the definition's authors draw. For several maps of one network: :func:`subset_losses` once, :func:`subset_sums` for
    each, :func:`pearson` of the two.
    Cost: ``n_subsets`` x ``len(fractions)`` + 1 forward passes an image. More at the top of this file.
    """
    maps = _of_features(attributions, inputs)                                                # refused before any pass
    seed = resolve_seed(seed, generator)
    losses = subset_losses(model, inputs, target, fractions=fractions, n_subsets=n_subsets, substrate=substrate,
                           output=output, internal_batch_size=internal_batch_size, seed=seed)
    return pearson(_sums(maps, _order(inputs, n_subsets, seed), _sizes(fractions, maps.shape[1])), losses)


def subset_losses(model, inputs, target="pred", *, fractions=FRACTIONS, n_subsets=100, substrate="black",
                  output="logit", internal_batch_size=None, seed=0, generator=None):
    """What the score loses without each set, f_c(x) - f_c(x without S). -> (N, F, n_subsets), float64."""
    check_inputs(inputs)
    order = _order(inputs, n_subsets, resolve_seed(seed, generator))                         # (S, d)
    sizes = _sizes(fractions, order.shape[1])
    filled = _fill(inputs, substrate)
    engine, shape = _engine(model, inputs, output, internal_batch_size), (1, *inputs.shape[2:])
    ranks = order.argsort(1).view(len(order), *(shape if inputs.dim() == 4 else inputs.shape[1:])).to(inputs.device)
    places = torch.arange(len(inputs)), sizes, torch.arange(len(order))
    sets = torch.cartesian_prod(*places).to(inputs.device)                                   # (N F S, 3): image, n, set
    with lend(model):
        target = engine.target(inputs, target)
        whole, lost = engine.scores(inputs).gather(1, target[:, None]), []
        for image, size, s in (part.unbind(1) for part in sets.split(engine.batch_size(inputs))):
            gone = ranks[s] < size.view(-1, *[1] * (ranks.dim() - 1))                        # (R, 1, H, W)
            scores = engine.scores(torch.where(gone, filled[image], inputs[image]), image)
            lost.append(whole[image, 0] - scores.gather(1, target[image, None])[:, 0])
    return torch.cat(lost).view(len(inputs), len(sizes), len(order)).double()


def subset_sums(attributions, inputs, *, fractions=FRACTIONS, n_subsets=100, seed=0, generator=None):
    """Sum of the attributions of each set that :func:`subset_losses` takes out. -> (N, F, n_subsets), float64."""
    maps = _of_features(attributions, inputs)
    return _sums(maps, _order(inputs, n_subsets, resolve_seed(seed, generator)), _sizes(fractions, maps.shape[1]))


def pearson(first, second):
    """Pearson correlation over the last axis; NaN where one of the two does not vary beyond rounding."""
    first, second = (torch.as_tensor(values, dtype=torch.float64) for values in (first, second))
    centred = [values - values.mean(-1, keepdim=True) for values in (first, second)]
    norms = [c.norm(dim=-1) for c in centred]
    varies = [norm > 1e-12 * values.norm(dim=-1) for norm, values in zip(norms, (first, second))]
    correlation = (centred[0] * centred[1]).sum(-1) / (norms[0] * norms[1])
    return torch.where(varies[0] & varies[1], correlation.clamp(-1, 1), torch.nan)


def _sums(maps, order, sizes):
    """Sums over the first n of each order: cumulative, so that all sizes cost as much as one."""
    return torch.stack([row[order.to(row.device)].cumsum(1)[:, sizes - 1].T for row in maps])   # (N, F, S)


def _order(inputs, n_subsets, seed):
    """For each set an order of the features, (S, d)."""
    if isinstance(n_subsets, bool) or int(n_subsets) != n_subsets or n_subsets < 2:
        raise ValueError(f"n_subsets must be an integer >= 2, a correlation needs two points, got {n_subsets!r}.")
    d, draws = _n_features(inputs), make_generator(seed)
    if d < 2:
        raise ValueError(f"inputs must have at least two features, got shape {tuple(inputs.shape)}.")
    return torch.stack([torch.randperm(d, generator=draws) for _ in range(int(n_subsets))])


def _sizes(fractions, d):
    """Features in a set for each fraction, (F,)."""
    fractions = [fractions] if isinstance(fractions, (int, float)) else list(fractions)
    if not fractions or not all(0 < fraction < 1 for fraction in fractions):
        raise ValueError(f"fractions must be numbers in (0, 1), got {fractions!r}.")
    return torch.tensor([min(max(round(fraction * d), 1), d - 1) for fraction in fractions])


def _n_features(inputs):
    return inputs[0, 0].numel() if inputs.dim() == 4 else inputs[0].numel()


def _of_features(attributions, inputs):
    """Attributions of each feature, (N, d) in float64: channels of a pixel are added up."""
    check_inputs(inputs)
    check_inputs(attributions, "attributions")
    shape, maps = tuple(attributions.shape), attributions.double()
    if inputs.dim() == 4 and maps.dim() == 4:
        maps = maps.sum(1)
    wanted = (len(inputs), *inputs.shape[2:]) if inputs.dim() == 4 else tuple(inputs.shape)
    if tuple(maps.shape) != wanted:
        kinds = "(N, H, W) or (N, C, H, W)" if inputs.dim() == 4 else "of their shape"
        raise ValueError(f"attributions must be {kinds} for inputs of {tuple(inputs.shape)}, got shape {shape}.")
    return maps.flatten(1)


def _fill(inputs, substrate):
    """The values that stand in for those taken out, shaped like ``inputs``."""
    if inputs.dim() != 4 and isinstance(substrate, str) and substrate != "black":
        shape = tuple(inputs.shape)
        raise ValueError(f'substrate must be "black" or a tensor for inputs of {shape}, got {substrate!r}.')
    return substrate_of(inputs, substrate)


def _engine(model, inputs, output, internal_batch_size):
    """By default with twice the engine's rows a pass, as no pass here keeps anything for a gradient."""
    if internal_batch_size is None:
        internal_batch_size = 2 * Engine(model).batch_size(inputs)
    return Engine(model, output=output, internal_batch_size=internal_batch_size)
