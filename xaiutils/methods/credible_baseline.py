"""Credible baselines: images that a network scores like the input although every pixel is another."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torch.nn.functional import cross_entropy

from xaiutils.engine import Engine, channels_last
from xaiutils.methods.base import Session

OBJECTIVES = {
    "logit_l2": lambda logits, wanted, target: (logits - wanted).square().sum(1) / 2,
    "ce_soft": lambda logits, wanted, target: cross_entropy(logits, wanted.softmax(1), reduction="none"),
    "ce_label": lambda logits, wanted, target: cross_entropy(logits, target, reduction="none"),
}
CONSTRAINTS, KEPT = ("held", "printed"), ("closest", "last")
ULPS = 4  # rounding of a pixel of [0, 1], in units of the last place of 1: less than that is no difference


class Baselines(NamedTuple):
    """B baselines for each of N images, and how well they meet what Definition 6 asks of them."""

    baselines: Tensor    # (N, B, ...)
    residual: Tensor     # (N, B) distance of the logits, ||F(x) - F(x')||
    limit: Tensor        # (N,) the eps that the residual was to reach
    n_iters: Tensor      # (N, B) steps from the blurred image to the baseline
    trace: Tensor        # (N, B, max_iters + 1) residual after each step, NaN once the search has ended
    share_close: Tensor  # (N, B) share of pixels nearer to the image than delta; 0 where the constraint is held


@dataclass(frozen=True)
class Search:
    r"""How Algorithm 1 is run, from a blurred copy of the image x towards the logits of x.

    .. math:: x' \leftarrow \mathrm{clip}\bigl(\mathrm{apart}(x' - \eta\,\mathrm{sign}\,\nabla L(x'))\bigr)
              \quad\text{until } \|F(x) - F(x')\|_2 \le \epsilon, \qquad
              \mathrm{apart}(x')_i = x'_i - \delta\,\mathrm{sgn}(x_i - x'_i) \text{ where } |x_i - x'_i| < \delta

    ``sigmas``     standard deviation of the blur in pixels, one baseline each: 2, 4 and 8, up to where the objects of a
                   224-pixel photograph can hardly be told (the paper's values are in a supplement not at hand)
    ``delta``      least difference in every pixel: 0.05 of [0, 1], just visible
    ``step_size``  eta: 1/255, one grey level
    ``epsilon``    eps as a share of ||F(x)||: 0.1; an absolute number would mean something else on every network
    ``max_iters``  50, since nothing promises that eps is reached; the residual tells
    ``objective``  L: ``"logit_l2"``, half the squared distance that eps is about (Eq. 4); ``"ce_soft"``, cross entropy
                   to the probabilities of x; ``"ce_label"``, to the explained class alone, Lemma 1
    ``constraint`` ``"held"``: sgn(0) is +1, what the clip brings back within delta goes to x + delta, or x - delta
                   where that is out of bounds, and the blurred image is set apart before the search.
                   ``"printed"``: none of these
    ``keep``       ``"closest"`` of the points visited, or the ``"last"`` one as printed: fixed steps end in a dance
    ``bounds``     limits of the clip; ``None`` for no clip

    Limit cases   A constant image has itself as blur: held, its baseline starts delta away; printed, it is the image.
    """

    sigmas: tuple[float, ...] = (2.0, 4.0, 8.0)
    delta: float = 0.05
    step_size: float = 1 / 255
    epsilon: float = 0.1
    max_iters: int = 50
    objective: str = "logit_l2"
    constraint: str = "held"
    keep: str = "closest"
    bounds: tuple[float, float] | None = (0.0, 1.0)

    def __post_init__(self):
        for name, choices in (("objective", OBJECTIVES), ("constraint", CONSTRAINTS), ("keep", KEPT)):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}, got {getattr(self, name)!r}.")
        if not len(self.sigmas) or min(self.sigmas) < 0:
            raise ValueError(f"sigmas must be one or more standard deviations >= 0, in pixels, got {self.sigmas!r}.")
        for name in ("delta", "epsilon", "step_size"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be >= 0, got {getattr(self, name)!r}.")
        if self.max_iters < 0 or int(self.max_iters) != self.max_iters:
            raise ValueError(f"max_iters must be an integer >= 0, got {self.max_iters!r}.")
        if self.bounds is not None and not self.bounds[0] < self.bounds[1]:
            raise ValueError(f"bounds must be (lowest, highest) or None, got {self.bounds!r}.")
        half = float("inf") if self.bounds is None else (self.bounds[1] - self.bounds[0]) / 2
        if self.delta > half:
            raise ValueError(f"delta must be at most {half:g}, half the range of bounds, so that every pixel has room, "
                             f"got {self.delta!r}.")

    def check(self, inputs: Tensor, n_classes: int) -> None:
        """Refuse images out of bounds, and an objective that says nothing."""
        if self.bounds is not None and not (self.bounds[0] <= inputs.min() and inputs.max() <= self.bounds[1]):
            raise ValueError(f"inputs must lie in bounds={self.bounds}, got {inputs.min():g} ... {inputs.max():g}; "
                             "bounds=None searches without a clip.")
        if n_classes == 1 and self.objective != "logit_l2":
            raise ValueError(f'objective must be "logit_l2" for a model with one class, got {self.objective!r}: the '
                             "cross entropy of a single class is 0 everywhere.")

    def blurred(self, inputs: Tensor) -> Tensor:
        """The images at each blur, (N, B, ...): every axis after the channels is blurred, edges repeated."""
        if inputs.dim() < 3:
            raise ValueError("inputs must be (N, C, H, W) or (N, C, L) to be blurred, got shape "
                             f"{tuple(inputs.shape)}; pass baselines.")
        arrays = inputs.cpu().numpy()
        copies = [gaussian_filter(arrays, (0, 0, *[s] * (inputs.dim() - 2)), mode="nearest") for s in self.sigmas]
        return torch.stack([torch.from_numpy(copy).to(inputs) for copy in copies], 1)

    def step(self, x: Tensor, xp: Tensor, gradient: Tensor) -> Tensor:
        """From ``xp`` down ``gradient``, then away from ``x`` and into the bounds: lines 3 to 7."""
        return self.apart(x, xp - self.step_size * gradient.sign())

    def apart(self, x: Tensor, xp: Tensor) -> Tensor:
        """``xp`` at least delta from ``x`` in every pixel: lines 4 to 7."""
        rounding, side = ULPS * torch.finfo(x.dtype).eps, (x - xp).sign()
        if self.constraint == "held":
            side = torch.where((x - xp).abs() <= rounding, torch.ones_like(side), side)
        xp = torch.where((x - xp).abs() < self.delta, xp - side * self.delta, xp)
        if self.bounds is None:
            return xp
        xp = xp.clamp(*self.bounds)
        if self.constraint == "printed":
            return xp
        there = torch.where(x + self.delta <= self.bounds[1], x + self.delta, x - self.delta)
        return torch.where((x - xp).abs() < self.delta - rounding, there, xp)


def find_baselines(session: Session, search: Search, starts: Tensor | None = None) -> Baselines:
    """Algorithm 1 for each image, from each of ``starts`` (N, B, ...), by default the blurred images."""
    engine, inputs, target = session
    logits = logit_engine(engine)
    wanted = logits.scores(inputs)                                                                   # (N, K)
    search.check(inputs, wanted.shape[1])
    starts = search.blurred(inputs) if starts is None else starts.to(inputs)
    if starts.dim() != inputs.dim() + 1 or len(starts) != len(inputs) or starts.shape[2:] != inputs.shape[1:]:
        raise ValueError(f"start must be (N, B, ...) for inputs of shape {tuple(inputs.shape)}, "
                         f"got {tuple(starts.shape)}.")
    n_images, n_each = starts.shape[:2]
    images = torch.arange(n_images, device=inputs.device).repeat_interleave(n_each)                  # (N B,)
    size = engine.batch_size(inputs)
    rows = zip(starts.flatten(0, 1).split(size), images.split(size))
    parts = [_descend(logits, search, inputs[i], xp, wanted[i], target[i], i) for xp, i in rows]
    baselines, residual, n_iters, trace = (torch.cat(part).unflatten(0, (n_images, n_each)) for part in zip(*parts))
    return Baselines(baselines, residual, search.epsilon * wanted.norm(dim=1), n_iters, trace,
                     share_close(inputs, baselines, search.delta))


def given_baselines(session: Session, search: Search, baselines: Tensor) -> Baselines:
    """``baselines`` (N, B, ...) as they are, measured like found ones."""
    logits, images = logit_engine(session.engine), torch.arange(len(baselines), device=baselines.device)
    wanted = logits.scores(session.inputs)
    residual = torch.stack([(logits.scores(each, images) - wanted).norm(dim=1) for each in baselines.unbind(1)], 1)
    return Baselines(baselines, residual, search.epsilon * wanted.norm(dim=1), torch.zeros_like(residual).long(),
                     residual[..., None], share_close(session.inputs, baselines, search.delta))


def logit_engine(engine: Engine) -> Engine:
    """The same network asked for its logits, whatever is explained."""
    return Engine(engine.forward_func, internal_batch_size=engine.internal_batch_size,
                  additional_forward_args=engine.extra, precision=engine.precision)


def share_close(inputs: Tensor, baselines: Tensor, delta: float) -> Tensor:
    """Share of pixels in which baselines are nearer to the inputs than ``delta``, by more than rounding, (N, B)."""
    rounding = ULPS * torch.finfo(inputs.dtype).eps * max(1.0, float(inputs.abs().max()))
    return ((inputs[:, None] - baselines).abs() < delta - rounding).flatten(2).to(inputs.dtype).mean(2)


def _descend(engine: Engine, search: Search, x, xp, wanted, target, images):
    """Algorithm 1 for rows ``xp``; a row that has arrived leaves the batch. -> baselines, residuals, steps, trace."""
    xp = search.apart(x, xp) if search.constraint == "held" else xp.clone()
    kept, n_iters = xp.clone(), torch.zeros_like(images)
    residual = torch.full_like(wanted[:, 0], torch.inf)
    trace = wanted.new_full((len(x), search.max_iters + 1), torch.nan)
    walking, limit = torch.arange(len(x), device=x.device), search.epsilon * wanted.norm(dim=1)
    for k in range(search.max_iters + 1):
        row = [each[walking] for each in (xp, wanted, target, images)]
        distance, gradient = _distance(engine, search.objective, *row)
        trace[walking, k] = distance
        better = (distance < residual[walking]) | (search.keep == "last")
        chosen = walking[better]
        kept[chosen], residual[chosen], n_iters[chosen] = xp[chosen], distance[better], k
        far = distance > limit[walking]
        walking = walking[far]
        if not len(walking):
            break
        xp[walking] = search.step(x[walking], xp[walking], gradient[far])
    return kept, residual, n_iters, trace


def _distance(engine: Engine, objective: str, xp, wanted, target, images):
    """||F(x) - F(x')|| of each row and the gradient of its objective; one forward and one backward pass."""
    rows = channels_last(xp.detach()).requires_grad_()
    with torch.enable_grad():
        logits = engine.forward(rows, images)
        gradient, = torch.autograd.grad(OBJECTIVES[objective](logits, wanted, target).sum(), rows)
    return (logits.detach() - wanted).norm(dim=1), gradient
