"""Adversarial Gradient Integration."""

from collections import deque
from dataclasses import dataclass

import torch
from torch import Tensor

from xaiutils.core import make_generator, resolve_seed
from xaiutils.methods.base import Attribution, Session, total

PATHS = ("official", "paper", "straight")
DIRECTIONS = {
    "sign": lambda g: g.sign(),
    "l2": lambda g: g / g.flatten(1).norm(dim=1).clamp_min(torch.finfo(g.dtype).tiny).view(-1, *[1] * (g.dim() - 1)),
    "raw": lambda g: g,
}


@dataclass(frozen=True)
class Ascent:
    """How a path to a false class is walked; the arguments of :meth:`AGI.attribute` of the same names."""

    step_size: float = 0.05
    max_steps: int = 20
    path: str = "official"
    direction: str = "sign"
    bounds: tuple[float, float] | None = (0.0, 1.0)

    def __post_init__(self):
        if self.path not in PATHS:
            raise ValueError(f"path must be one of {', '.join(PATHS)}, got {self.path!r}.")
        if self.direction not in DIRECTIONS:
            raise ValueError(f"direction must be one of {', '.join(DIRECTIONS)}, got {self.direction!r}.")
        if not self.step_size > 0:
            raise ValueError(f"step_size must be positive, got {self.step_size!r}.")
        if self.max_steps < 1 or int(self.max_steps) != self.max_steps:
            raise ValueError(f"max_steps must be a positive integer, got {self.max_steps!r}.")

    def step(self, anchor: Tensor, gradient: Tensor) -> Tensor:
        """From ``anchor`` up ``gradient``, clipped to ``bounds``."""
        x = anchor + self.step_size * DIRECTIONS[self.direction](gradient)
        return x if self.bounds is None else x.clamp(*self.bounds)


@dataclass(eq=False)
class Walk:
    """One image on its way to one false class."""

    image: int
    false_class: int
    x: Tensor                       # where it stands, shaped like one image
    individual: Tensor              # AGI_i so far
    points: list[Tensor]            # every x visited from the image on, only where asked for
    steps: int = 0


class AGI(Attribution):
    r"""Integrate the target's gradient along adversarial paths from the input to false classes.

    .. math:: AGI(x) = \sum_{i \in S} AGI_i(x), \qquad
              AGI_i(x) = -\sum_{k} \nabla f_t(x_k) \odot (x_{k+1} - a_k), \qquad
              x_{k+1} = \mathrm{clip}\,(a_k + \epsilon\,\mathrm{sign}\,\nabla f_i(x_k))

    ``x_k``   point visited, x_0 is the image                                       ``inputs`` (N, C, H, W)
    ``f``     class probabilities, ``output="prob"``: Eq. 2 needs scores that add up to 1
    ``t``     explained class                                                       ``target``
    ``i``     a false class out of the set S                                        ``false_classes`` (F,) or (N, F)
    ``|S|``   how many are drawn where none are given, without the target; all if there are no more    ``n_false`` 20
    ``eps``   length of a step in pixel units of [0, 1]                             ``step_size`` 0.05
    ``m``     largest number of steps; a path stops as soon as argmax f(x_k) = i    ``max_steps`` 20
    ``a_k``   where step k starts, the only difference between

    ``path="official"``  a_k = x_0: what the authors' code runs and Table 1 was made with, so it is the default. Points
                         stay within eps of the image and do not form a path; the sum is complete in no limit.
    ``path="paper"``     a_k = x_k: the text's steepest ascent. Complete as eps -> 0, off by far at eps = 0.05.
    ``path="straight"``  the ascent finds the adversarial end point x'_i, then the gradient is integrated on the straight
                         line from x'_i to the image, at as many midpoints as the ascent had steps (Figure 4's ablation).

    The three numbers are those of section 5.1. ``direction`` turns sign(g) into ``"l2"``, g / |g| as Eq. 7 prints it,
    or ``"raw"``, g as in section 4.1. ``bounds`` are the pixel limits the clip keeps, ``None`` for no clip. Draws of
    false classes are nested: the first five of twenty drawn are the five drawn with the same seed.

    Limit cases   ``max_steps=1``: official equals paper. A false class the image is already assigned to, or the target
                  listed among ``false_classes``, adds zero. Where every gradient is 0 nothing moves and the map is 0.
    Delta         sum AGI - sum_i (f_t(x) - f_t(x'_i)), for ``"paper"`` and ``"straight"``; refused for ``"official"``.
    Deviations    Eq. 6 prints "AGI ~ -IG"; the sign here is that of Definition 2 and of the released code, positive
                  where a pixel speaks for the target. The released Table 1 script applies softmax twice:
                  ``output="double_softmax"``. It draws classes once a run, unseeded and never class 999; here each image
                  draws from all its false classes. The released demo takes every 50th class: ``false_classes=range(0, 999, 50)``.
    Precision     twenty float32 steps are chaotic, since sign(g) flips with rounding: the authors' own code correlates
                  0.96 between one and two threads. One or two steps, or float64, are reproducible.
    Cost          one forward and two backward passes a step and false class; finished paths make room for waiting ones.
    Source        Pan, Li, Zhu: Explaining Deep Neural Network Models with Adversarial Gradient Integration, IJCAI 2021,
                  Definition 2, Eq. 5, 7, 8, Algorithms 1 and 2.
    """

    default_output = "prob"

    def has_convergence_delta(self) -> bool:
        return True

    def attribute(self, inputs, target=None, additional_forward_args=None, *, false_classes=None, n_false=20,
                  step_size=0.05, max_steps=20, path="official", direction="sign", bounds=(0.0, 1.0),
                  internal_batch_size=None, seed=0, generator=None, return_convergence_delta=False):
        ascent = Ascent(step_size, max_steps, path, direction, bounds)
        if path == "official" and return_convergence_delta:
            raise ValueError('return_convergence_delta is refused for path="official": its points do not form a path.')
        with self.session(inputs, target, additional_forward_args, internal_batch_size) as session:
            pairs = self._pairs(session, false_classes, n_false, resolve_seed(seed, generator))
            attributions, ends = torch.zeros_like(session.inputs), []
            for walk in self._walks(session, pairs, ascent):
                attributions[walk.image] += walk.individual
                ends += [(walk.image, walk.x)] if return_convergence_delta else []
            if return_convergence_delta:
                return attributions, total(attributions) - self._score_drop(session, ends)
        return attributions

    def explain(self, inputs, target=None, additional_forward_args=None, *, false_classes=None, n_false=20,
                internal_batch_size=None, seed=0, generator=None, keep_points=True, **ascent) -> list[list[Walk]]:
        """The individual paths behind ``attribute``: for each image one :class:`Walk` a false class, in the order drawn.

        A walk holds its ``false_class``, its map ``individual`` (AGI_i), the number of ``steps``, the end point ``x`` and
        all ``points`` from the image on. The other arguments are those of ``attribute``. Memory grows with images x classes
        x steps; with ``keep_points=False``, which leaves ``points`` empty, with images x classes.
        """
        ascent = Ascent(**ascent)
        with self.session(inputs, target, additional_forward_args, internal_batch_size) as session:
            pairs = self._pairs(session, false_classes, n_false, resolve_seed(seed, generator))
            walks = {(walk.image, walk.false_class): walk for walk in self._walks(session, pairs, ascent, keep_points)}
        return [[walks[pair] for pair in pairs if pair[0] == image] for image in range(len(inputs))]

    def _walks(self, session: Session, pairs, ascent: Ascent, keep_points=False):
        """Walk every (image, false class) pair and yield it when it is done.

        As many walk at a time as fit a batch; one that is done gives its place to the next, so that batches stay full.
        """
        waiting, walking = deque(pairs), []
        places = session.engine.batch_size(session.inputs)
        while waiting or walking:
            while waiting and len(walking) < places:
                image, false_class = waiting.popleft()
                x = session.inputs[image]
                walking.append(Walk(image, false_class, x, torch.zeros_like(x), [x] if keep_points else []))
            reached = self._step(session, walking, ascent, keep_points)
            done = [walk for walk, there in zip(walking, reached) if there or walk.steps == ascent.max_steps]
            walking = [walk for walk in walking if walk not in done]
            for walk in done:
                if ascent.path == "straight":
                    walk.individual = self._straight(session, walk)
                yield walk

    @staticmethod
    def _step(session: Session, walking: list[Walk], ascent: Ascent, keep_points: bool) -> list[bool]:
        """One step of every walk that has not arrived; tells which have."""
        engine, inputs, target = session
        images = torch.tensor([walk.image for walk in walking], device=inputs.device)
        false = torch.tensor([walk.false_class for walk in walking], device=inputs.device)
        x = torch.stack([walk.x for walk in walking])
        scores, grad_false, grad_target = engine.gradients(x, false, target[images], images=images)
        anchor = inputs[images] if ascent.path == "official" else x
        x_next = ascent.step(anchor, grad_false)
        contribution = -grad_target * (x_next - anchor)
        reached = (scores.argmax(1) == false).tolist()
        for k, walk in enumerate(walking):
            if not reached[k]:
                walk.x, walk.steps = x_next[k], walk.steps + 1
                walk.individual += contribution[k]
                walk.points += [walk.x] if keep_points else []
        return reached

    @staticmethod
    def _straight(session: Session, walk: Walk) -> Tensor:
        """Gradient integrated on the straight line from the end point of ``walk`` to its image, by the midpoint rule."""
        engine, inputs, target = session
        n_points = max(walk.steps, 1)
        alphas = (torch.arange(n_points, dtype=inputs.dtype, device=inputs.device) + 0.5) / n_points
        way = inputs[walk.image] - walk.x
        line = walk.x + alphas.view(-1, *[1] * way.dim()) * way            # (steps, C, H, W)
        images = torch.full((n_points,), walk.image, device=inputs.device)
        _, gradients = engine.gradients(line, target[images], images=images)
        return way * gradients.mean(0)

    @staticmethod
    def _pairs(session: Session, false_classes, n_false, seed) -> list[tuple[int, int]]:
        """The (image, false class) pairs to walk."""
        engine, inputs, target = session
        n_classes = engine.scores(inputs[:1]).shape[1]
        if false_classes is None:
            if n_false < 1:
                raise ValueError(f"n_false must be at least 1, got {n_false}.")
            drawn = torch.randperm(n_classes, generator=make_generator(seed)).tolist()
            return [(image, i) for image, t in enumerate(target.tolist()) for i in [c for c in drawn if c != t][:n_false]]
        chosen = torch.as_tensor(list(false_classes) if isinstance(false_classes, range) else false_classes)
        if chosen.is_floating_point() or chosen.dim() not in (1, 2) or (chosen.dim() == 2 and len(chosen) != len(inputs)):
            raise ValueError(f"false_classes must be integers (F,) or ({len(inputs)}, F), got shape {tuple(chosen.shape)}.")
        if chosen.numel() and not (0 <= int(chosen.min()) and int(chosen.max()) < n_classes):
            raise ValueError(f"false_classes must lie in 0 ... {n_classes - 1}, got {chosen.tolist()}.")
        rows = chosen.expand(len(inputs), -1).tolist()
        return [(image, i) for image, row in enumerate(rows) for i in dict.fromkeys(row) if i != int(target[image])]

    @staticmethod
    def _score_drop(session: Session, ends) -> Tensor:
        """Sum over the paths of each image of f_t(x) - f_t(x'_i), (N,)."""
        engine, inputs, target = session
        images = torch.tensor([image for image, _ in ends], device=inputs.device)
        at_image = engine.scores(inputs).gather(1, target[:, None])[:, 0]
        at_end = engine.scores(torch.stack([x for _, x in ends]), images).gather(1, target[images][:, None])[:, 0]
        return torch.zeros_like(at_image).index_add(0, images, at_image[images] - at_end)
