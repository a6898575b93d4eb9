"""Credible path attribution."""

from typing import NamedTuple

import torch
from torch import Tensor

from xaiutils.core import make_generator, resolve_seed
from xaiutils.methods.base import Attribution, Session, score_change, total
from xaiutils.methods.baselines import resolve_distribution
from xaiutils.methods.credible_baseline import Baselines, Search, find_baselines, given_baselines

INEQUALITIES = {  # of the sizes |g| at the input and |g~| on the path; ``rounding`` is what counts as equal
    "printed": lambda size, on_path, rounding: size > on_path + rounding,
    "prose": lambda size, on_path, rounding: on_path > size + rounding,
    "sign": lambda size, on_path, rounding: torch.ones_like(on_path, dtype=torch.bool),
    "none": None,
}
COMPARED, DIVISORS = ("plain", "scaled"), ("count", "steps")
ULPS = 64  # rounding of a gradient, in units of the last place of the image's largest one


class CrediblePath(NamedTuple):
    """What :meth:`CredibleIntegratedGradients.explain` tells of N images with B baselines each."""

    attributions: Tensor    # (N, ...) what ``attribute`` gives
    found: Baselines        # the baselines (N, B, ...), their residuals (N, B), and how they were found
    accepted: Tensor        # (N, B, ...) accepted gradients of each feature, out of ``n_steps // B``
    share_rejected: Tensor  # (N, B) share of features of which no gradient was accepted: these get 0


class CredibleIntegratedGradients(Attribution):
    r"""Integrate, from baselines scored like the input, only the gradients that agree with the gradient at the input.

    .. math:: A = \frac{1}{B} \sum_{b=1}^{B} (x - x'_b) \odot \frac{1}{|V_b|} \sum_{k \in V_b} \nabla f_t(\tilde x_k),
              \quad V_b = \{k : \mathrm{sgn}\,\nabla f_t(x) = \mathrm{sgn}\,\nabla f_t(\tilde x_k),\;
              |\nabla f_t(x)| > |\nabla f_t(\tilde x_k)|\}, \quad \tilde x_k = x'_b + \alpha_k (x - x'_b)

    ``V_b``     accepted steps, for each feature by itself
    ``x'_b``    ``baselines``: ``"credible"``, Algorithm 1, tuned by the arguments of
                :class:`~xaiutils.methods.credible_baseline.Search`; a name or number, a list of them, a tensor (B, ...)
                for all images or (N, B, ...) for each
    ``K``       ``n_steps`` 150, shared by the baselines: floor(K / B) steps each, as in the paper
    ``alpha``   ``alphas``: ``"random"``, U(0, 1) anew for each baseline, as in the paper; ``"midpoints"``; or numbers
                (S,) or (B, S) in place of ``n_steps``
    ``inequality``  a constructor argument, like the next two. ``"printed"``: as above, three times in the paper.
                ``"prose"``: |grad f(x)| < |grad f(x~)|, which the text of F3 argues for. ``"sign"``: signs alone.
                ``"none"``: every step
    ``compared``    ``"plain"`` gradients (Definition 7), or ``"scaled"``: (x - x~) times the path's, as on line 7
    ``divide_by``   ``"count"``, |V| (line 11), or ``"steps"``, all of them (section 6): rejected gradients count as 0

    Limit cases   ``inequality="none"`` with midpoints is integrated gradients, averaged over the baselines. A linear
                  score has one gradient, none larger or smaller: 0 everywhere; ``"sign"`` gives (x - x') times its
                  weights.
    Delta         sum A - mean_b (f_t(x) - f_t(x'_b)) for ``inequality="none"``, 0 in the limit of many steps. Refused
                  else: the accepted gradients add up to nothing in particular, although the paper says they do.
    Deviations    The print keeps grad f(x) in rho (line 1) and sets rho to 0 (line 4) before it is compared (line 9):
                  nothing would be accepted, 0 / 0, NaN everywhere. Here the two are two variables, and a feature
                  without an accepted gradient gets 0. Gradients that differ by rounding alone count as equal.
                  Definition 6 wants f(x') near f(x), so complete attributions would add up to nearly 0.
                  Algorithm 1 as printed may never end and breaks its constraint: see ``constraint``, ``keep`` and
                  ``max_iters`` of ``Search``. Lemma 1's cross entropy is an option, as its minimum is not f(x).
    Units         Pixels of [0, 1]; the network normalises inside.
    Cost          ``n_steps`` + 1 forward and backward passes, at most B (``max_iters`` + 1) more for the baselines.
    Source        Akhtar, Jalwana: Towards credible visual model interpretation with path attribution, 2023,
                  Definitions 6 and 7, Eq. 4, Algorithms 1 and 2; no code or supplement was at hand.
    """

    multiplies_by_inputs = True

    def __init__(self, forward_func, *, inequality="printed", compared="plain", divide_by="count", **options):
        super().__init__(forward_func, **options)
        for name, value, known in (("inequality", inequality, INEQUALITIES), ("compared", compared, COMPARED),
                                   ("divide_by", divide_by, DIVISORS)):
            if value not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}.")
        self.inequality, self.compared, self.divide_by = inequality, compared, divide_by

    def has_convergence_delta(self) -> bool:
        return self.inequality == "none"

    def attribute(self, inputs, baselines="credible", target=None, additional_forward_args=None, n_steps=150, *,
                  alphas="random", internal_batch_size=None, return_convergence_delta=False, seed=0, generator=None,
                  **search):
        search, seed = Search(**search), resolve_seed(seed, generator)
        with self.session(inputs, target, additional_forward_args, internal_batch_size,
                          return_convergence_delta) as session:
            path = self._explain(session, baselines, search, n_steps, alphas, seed)
            if return_convergence_delta:
                change = torch.stack([score_change(session, start) for start in path.found.baselines.unbind(1)]).mean(0)
                return path.attributions, total(path.attributions) - change
        return path.attributions

    def explain(self, inputs, baselines="credible", target=None, additional_forward_args=None, n_steps=150, *,
                alphas="random", internal_batch_size=None, seed=0, generator=None, **search) -> CrediblePath:
        """The map with its baselines, their residuals, and what was rejected; arguments are those of ``attribute``."""
        search, seed = Search(**search), resolve_seed(seed, generator)
        with self.session(inputs, target, additional_forward_args, internal_batch_size) as session:
            return self._explain(session, baselines, search, n_steps, alphas, seed)

    def compute_baseline(self, inputs, target="pred", additional_forward_args=None, *, start=None,
                         internal_batch_size=None, **search) -> Baselines:
        """Algorithm 1 alone: see :class:`~xaiutils.methods.credible_baseline.Search`, whose fields are arguments here.

        ``target`` matters to ``objective="ce_label"`` only; ``start`` (N, B, ...) replaces the blurred images.
        """
        search = Search(**search)
        with self.session(inputs, target, additional_forward_args, internal_batch_size) as session:
            return find_baselines(session, search, start)

    def _explain(self, session: Session, baselines, search, n_steps, alphas, seed) -> CrediblePath:
        """Algorithm 1 where it is asked for, then Algorithm 2."""
        if isinstance(baselines, str) and baselines == "credible":
            found = find_baselines(session, search)
        else:
            found = given_baselines(session, search, _several(baselines, session.inputs, seed))
        alphas = _points(alphas, n_steps, found.baselines, seed)
        summed, accepted = self._integrate(session, found.baselines, alphas)
        divisor = accepted.clamp(min=1) if self.divide_by == "count" else alphas.shape[1]
        attributions = ((session.inputs[:, None] - found.baselines) * summed / divisor).mean(1)
        return CrediblePath(attributions, found, accepted, (accepted == 0).to(accepted).flatten(2).mean(2))

    def _integrate(self, session: Session, baselines: Tensor, alphas: Tensor):
        """Sum and number of the accepted gradients of each feature on each path, both (N, B, ...)."""
        engine, inputs, target = session
        summed, accepted = torch.zeros_like(baselines), torch.zeros_like(baselines)
        _, at_input = engine.gradients(inputs, target)
        for image, x in enumerate(inputs):
            for rows in torch.arange(alphas.numel(), device=x.device).split(engine.batch_size(inputs)):
                path = rows // alphas.shape[1]                                                         # (S,)
                left = 1 - alphas.flatten()[rows].view(-1, *[1] * x.dim())
                ahead = left * (x - baselines[image, path])                                            # x - x~
                targets = target[image].expand(len(rows))
                _, gradients = engine.gradients(x - ahead, targets, images=torch.full_like(targets, image))
                valid = self._valid(at_input[image], gradients, ahead).to(x)
                summed[image].index_add_(0, path, valid * gradients)
                accepted[image].index_add_(0, path, valid)
        return summed, accepted

    def _valid(self, at_input, gradients, ahead):
        """Which gradients of the path (S, ...) are accepted: line 9."""
        if self.inequality == "none":
            return torch.ones_like(gradients)
        compared = ahead * gradients if self.compared == "scaled" else gradients
        rounding = ULPS * torch.finfo(at_input.dtype).eps * at_input.abs().max()
        signs = [g.sign() * (g.abs() > rounding) for g in (at_input, compared)]
        return (signs[0] == signs[1]) & INEQUALITIES[self.inequality](at_input.abs(), compared.abs(), rounding)


def _several(baselines, inputs: Tensor, seed: int) -> Tensor:
    """Baselines (N, B, ...) from what a user may give."""
    if isinstance(baselines, Tensor) and baselines.dim() == inputs.dim() + 1:
        if len(baselines) != len(inputs) or not baselines.shape[1] or baselines.shape[2:] != inputs.shape[1:]:
            raise ValueError(f"baselines must be (N, B, ...) for inputs of shape {tuple(inputs.shape)}, "
                             f"got {tuple(baselines.shape)}.")
        return baselines.to(inputs)
    single = baselines is None or isinstance(baselines, (str, int, float))
    return resolve_distribution([baselines] if single else baselines, inputs, seed)


def _points(alphas, n_steps, baselines: Tensor, seed: int) -> Tensor:
    """Where on each path the gradient is taken, (B, S), the same for every image."""
    n_each = baselines.shape[1]
    if not isinstance(alphas, str):
        alphas = torch.as_tensor(alphas).to(baselines)
        if alphas.dim() not in (1, 2) or not alphas.numel() or alphas.dim() == 2 and len(alphas) != n_each:
            raise ValueError(f"alphas must be numbers (S,) or ({n_each}, S), got shape {tuple(alphas.shape)}.")
        return alphas.expand(n_each, -1)
    if alphas not in ("random", "midpoints"):
        raise ValueError(f"alphas must be random, midpoints or numbers, got {alphas!r}.")
    if n_steps < n_each or int(n_steps) != n_steps:
        raise ValueError(f"n_steps must be an integer of at least {n_each}, a step for each baseline, got {n_steps!r}.")
    n_points = int(n_steps) // n_each
    if alphas == "random":
        return torch.rand(n_each, n_points, generator=make_generator(seed), dtype=torch.float64).to(baselines)
    return ((torch.arange(n_points).to(baselines) + 0.5) / n_points).expand(n_each, -1)
