"""AXAI: explanations from an adversarial attack."""

from typing import NamedTuple

import torch
from torch import Tensor

from xaiutils.core import resolve_seed
from xaiutils.methods.base import Attribution
from xaiutils.methods.pgd import PGD
from xaiutils.methods.segments import Quickshift, find_segments, segments_of_mask

CHANNELS, SPACES = ("each", "sum"), ("network", "pixel")
PRESETS = {  # of the released code: AXAI(network).explain(inputs, "pred", **PRESETS["tutorial"])
    "class": {"k": 5, "segmenter": Quickshift(kernel_size=8, max_dist=10, ratio=0.1)},
    "tutorial": {"k": 3, "segmenter": Quickshift(kernel_size=8, max_dist=200, ratio=0.2)},
    "faster": {"k": 1, "max_steps": 10, "segmenter": Quickshift(kernel_size=8, max_dist=200, ratio=0.2)},
}


class Explanation(NamedTuple):
    """What :meth:`AXAI.explain` tells of one input (C, H, W), or (L, D)."""

    map: Tensor           # (C, H, W) what ``attribute`` gives
    segments: Tensor      # (H, W), or (L,): number of each place's segment
    densities: Tensor     # (S,) of segments 0 ... S - 1, float64; NaN for a number that no place has
    mask: Tensor          # (H, W), or (L,): True in the selected segments
    selected: Tensor      # numbers of the selected segments, ascending
    attacked: Tensor      # (H, W), or (L, D): True where the perturbation is in its tails
    perturbation: Tensor  # (C, H, W) signed, in the unit the attack was made in


class AXAI(Attribution):
    r"""Attack the input, keep the tails of the perturbation, and give each segment the share of places they fall on.

    .. math:: A_j = \frac{|\{i \in S_{s(j)} : i \in T\}|}{|S_{s(j)}|}, \qquad
              T = \{i : v_i < p_\alpha(v) \ \text{or}\ v_i \ge p_{100-\alpha}(v)\}, \qquad v = \mathrm{PGD}(x)

    ``v``      perturbation that takes ``target`` down, (N, C, H, W). :class:`xaiutils.methods.pgd.PGD` explains
               ``step_size``, ``max_steps``, ``radius``, ``step``, ``bounds`` and ``random_start``; the defaults are
               the released code's
    ``alpha``  ``percentile`` 15, the paper's 15 / 85 %
    ``T``      attacked places, (N, H, W). ``channels="each"``, as released: tails of each channel, joined, 66 % of the
               pixels if three channels were independent; ``"sum"``: tails of the sum over channels, 30 %
    ``S_s``    segments (N, H, W) by ``segmenter``, any callable, see :mod:`xaiutils.methods.segments`; None takes
               quickshift for three channels, a time-frequency grid for other (N, C, H, W) such as spectrograms, tokens
               for embeddings (N, L, D). Or ``feature_mask``, Captum's, integers that broadcast to the inputs: it wins
    ``k``      of ``explain``: segments selected, 5. All whose density is at least the k-th largest, so that ties
               enlarge the set; never one of density 0. ``PRESETS`` are the released code's settings
    ``space``  ``"network"``: attack and quickshift see what the network sees, (x - mean) / std where the model has
               ``mean`` and ``std``, as released; ``"pixel"``: the inputs as they are

    Embeddings    T is taken over all L D entries: the density of a token is the share of its entries in the tails.
    Limit cases   Where the gradient is 0 there is no perturbation: a map of 0, nothing selected. A float32 network that
                  is sure to 1.0 has that gradient; ``output="logit"`` goes around it. A perturbation that is one number
                  is all tail: density 1 everywhere. k above the number of segments selects all with an attacked place.
                  A one-colour image is attacked like any other, and may be one segment; silence is cut by the grid.
    Deviations    An attacked place has some channel in its tails; the released code asks for their sum to differ from
                  0, the same but for channels that cancel exactly. A gradient of 0 gives it NaN.
    Small images  Quickshift's defaults are for 224x224: scale them, or all is one segment of one density.
    Cost          ``max_steps`` forward and backward passes, and the segmenter: at 224x224 quickshift takes as long as
                  about 24 passes of EfficientNet-Lite0.
    Source        Rahnama, Tseng: An Adversarial Approach for Explaining the Predictions of Deep Neural Networks, CVPR
                  Workshops 2021, Eq. 1, Algorithm 1, section 3.3.
    """

    default_output = "logprob"

    def attribute(self, inputs, target=None, additional_forward_args=None, *, feature_mask=None, segmenter=None,
                  percentile=15.0, channels="each", space="network", step_size=0.001, max_steps=20, radius=0.2,
                  step="normalized", bounds=None, random_start=False, internal_batch_size=None, seed=0, generator=None,
                  return_convergence_delta=False):
        attack, seed = PGD(step_size, max_steps, radius, step, bounds, random_start), resolve_seed(seed, generator)
        _check(inputs, percentile, channels, space)
        with self.session(inputs, target, additional_forward_args, internal_batch_size,
                          return_convergence_delta) as session:
            found = self._explanations(session, attack, seed, feature_mask, segmenter, percentile, channels, space)
        return torch.stack([explanation.map for explanation in found])

    def explain(self, inputs, target=None, additional_forward_args=None, *, k=5, feature_mask=None, segmenter=None,
                percentile=15.0, channels="each", space="network", internal_batch_size=None, seed=0, generator=None,
                **attack) -> list[Explanation]:
        """The map of each input with what it is made of, and the ``k`` densest segments; arguments as above."""
        attack, seed = PGD(**attack), resolve_seed(seed, generator)
        _check(inputs, percentile, channels, space, k)
        with self.session(inputs, target, additional_forward_args, internal_batch_size) as session:
            return self._explanations(session, attack, seed, feature_mask, segmenter, percentile, channels, space, k)

    def _explanations(self, session, attack, seed, feature_mask, segmenter, percentile, channels, space, k=5):
        """Algorithm 1, input by input; the attack goes through the network for all together."""
        engine, inputs, target = session
        mean, std = self._normalisation(inputs) if space == "network" else (0.0, 1.0)
        seen = (inputs - mean) / std
        if feature_mask is None:
            segments = [find_segments(x, segmenter) for x in seen]
        else:
            segments = segments_of_mask(feature_mask, inputs)
        v = attack.perturb(engine, inputs, target, std, seed)
        return [_explanation(*one, percentile, channels, k) for one in zip(v, segments)]

    def _normalisation(self, inputs):
        """Mean and standard deviation of the model, (C, 1, 1) each; 0 and 1 for one without them."""
        mean, std = (getattr(self.forward_func, name, None) for name in ("mean", "std"))
        if mean is None or std is None or inputs.dim() != 4:
            return 0.0, 1.0
        mean, std = (torch.as_tensor(v, dtype=inputs.dtype, device=inputs.device).view(-1, 1, 1) for v in (mean, std))
        if len(mean) not in (1, inputs.shape[1]):
            raise ValueError(f"inputs must have the {len(mean)} channels of the model's mean, got {inputs.shape[1]}.")
        return mean, std


def attacked_places(v: Tensor, percentile=15.0, channels="each") -> Tensor:
    """Where the perturbation ``v`` of one input is in its tails: (H, W) for (C, H, W), (L, D) for (L, D)."""
    if channels == "sum" and v.dim() > 1:
        v = v.sum(0, keepdim=True) if v.dim() == 3 else v.sum(-1)
    rows = v.flatten(1).double() if v.dim() == 3 else v.reshape(1, -1).double()
    q = torch.tensor([percentile / 100, 1 - percentile / 100], dtype=rows.dtype, device=v.device)
    low, high = torch.quantile(rows, q, dim=1, keepdim=True)                                    # (C, 1)
    tails = (((rows < low) | (rows >= high)) & (rows != 0)).view_as(v)
    return tails.any(0) if v.dim() == 3 else tails


def segment_densities(attacked: Tensor, segments: Tensor) -> Tensor:
    """Share of attacked places in each segment, (S,) float64; NaN for a number between 0 and S - 1 that none has."""
    labels = segments if segments.shape == attacked.shape else segments[..., None].expand_as(attacked)
    size = torch.bincount(labels.flatten())
    return torch.bincount(labels.flatten(), attacked.flatten().double(), minlength=len(size)) / size


def densest(densities: Tensor, k: int) -> Tensor:
    """Numbers of the segments whose density is not 0 and at least the ``k``-th largest: more than ``k`` if tied."""
    known = densities[~densities.isnan()]
    least = known.sort(descending=True).values[min(k, len(known)) - 1]
    return ((densities >= least) & (densities > 0)).nonzero().flatten()


def _explanation(v, segments, percentile, channels, k) -> Explanation:
    """From one input's perturbation and segments to its explanation."""
    attacked = attacked_places(v, percentile, channels)
    densities = segment_densities(attacked, segments)
    selected = densest(densities, k)
    painted = densities[segments].to(v)
    painted = (painted[:, None] if v.dim() == 2 else painted).expand_as(v)
    return Explanation(painted, segments, densities, torch.isin(segments, selected), selected, attacked, v)


def _check(inputs, percentile, channels, space, k=1):
    if isinstance(inputs, Tensor) and inputs.dim() > 4:
        raise ValueError(f"inputs must be (N, C, H, W), (N, L, D) or (N, F), got shape {tuple(inputs.shape)}.")
    if not 0 < percentile < 50:
        raise ValueError(f"percentile must lie between 0 and 50, got {percentile!r}.")
    if channels not in CHANNELS or space not in SPACES:
        raise ValueError(f"channels must be one of {', '.join(CHANNELS)} and space one of {', '.join(SPACES)}, "
                         f"got {channels!r} and {space!r}.")
    if k < 1 or int(k) != k:
        raise ValueError(f"k must be a positive integer, got {k!r}.")
