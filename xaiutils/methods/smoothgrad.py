"""SmoothGrad."""

import torch
from torch import Tensor

from xaiutils.core import make_generator, resolve_seed
from xaiutils.methods.base import Attribution

UNITS = ("range", "absolute")
KINDS = ("mean", "square", "variance")


def check_noise(n_samples, noise_level, noise_unit):
    """Refuse what is no number of noisy copies, no level and no unit of noise."""
    if n_samples < 1 or int(n_samples) != n_samples:
        raise ValueError(f"n_samples must be a positive integer, got {n_samples!r}.")
    if noise_level < 0 or noise_unit not in UNITS:
        raise ValueError(f"noise_level must be >= 0 in units of {' or '.join(UNITS)}, got {noise_level!r} {noise_unit!r}.")


def noise_scale(inputs: Tensor, noise_level, noise_unit) -> Tensor:
    """The standard deviation of the noise for each of ``inputs`` (N, ...), as (N, 1, ...)."""
    flat = inputs.flatten(1)
    ranges = flat.amax(1) - flat.amin(1) if noise_unit == "range" else torch.ones_like(flat[:, 0])
    return noise_level * ranges.view(-1, *[1] * (inputs.dim() - 1))


def moment(kind, mean: Tensor, square: Tensor) -> Tensor:
    """The moment asked for, of a mean and a mean square."""
    return {"mean": mean, "square": square, "variance": (square - mean**2).clamp(min=0)}[kind]


class SmoothGrad(Attribution):
    r"""Average the gradient, its square, or its scatter over noisy copies of the input.

    .. math:: A = \frac{1}{n} \sum_{s=1}^{n} g_s, \qquad A_{\text{square}} = \frac{1}{n} \sum_s g_s^2, \qquad
              A_{\text{variance}} = A_{\text{square}} - A^2, \qquad g_s = \nabla f_t(x + \sigma \epsilon_s), \quad \epsilon_s \sim N(0, 1)

    ``kind``         ``"mean"``, SmoothGrad; ``"square"``, SmoothGrad-squared; ``"variance"``, VarGrad
    ``n``            copies, ``n_samples``: 50, where the paper sees its maps settle
    ``noise_level``  sigma: 0.15, the middle of the paper's 10-20 %
    ``noise_unit``   what sigma is a share of: ``"range"``, each image's max - min as in the paper, or ``"absolute"``,
                     pixel units as in Captum's NoiseTunnel (whose default, 1.0, is the whole range of a photograph)

    Limit cases   No noise gives the gradient, its square, or 0; a linear score gives its weights, their squares, or 0 at any noise.
    Deviations    The mean is signed, like the gradient; take ``.abs()`` for the paper's display. Each image gets the same draws.
                  VarGrad divides by n, as Captum does, not by n - 1.
    Cost          ``n_samples`` forward and backward passes.
    Source        Smilkov, Thorat, Kim, Viegas, Wattenberg: SmoothGrad: removing noise by adding noise, 2017; the square: Hooker et
                  al., A Benchmark for Interpretability Methods, NeurIPS 2019; VarGrad: Adebayo et al., Local Explanation Methods
                  for Deep Neural Networks Lack Sensitivity to Parameter Values, 2018; thesis, Eq. 4.8.
    """

    def __init__(self, forward_func, *, kind="mean", **options):
        super().__init__(forward_func, **options)
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}.")
        self.kind = kind

    def attribute(self, inputs, target=None, additional_forward_args=None, *, n_samples=50, noise_level=0.15,
                  noise_unit="range", internal_batch_size=None, seed=0, generator=None, return_convergence_delta=False):
        check_noise(n_samples, noise_level, noise_unit)
        seed = resolve_seed(seed, generator)
        with self.session(inputs, target, additional_forward_args, internal_batch_size, return_convergence_delta) as session:
            sigmas = noise_scale(session.inputs, noise_level, noise_unit)
            moments = [self._moments(session, image, n_samples, sigma, seed) for image, sigma in enumerate(sigmas)]
        return moment(self.kind, *(torch.stack(part) for part in zip(*moments)))

    @staticmethod
    def _moments(session, image, n_samples, sigma, seed):
        """Mean gradient and mean squared gradient of one image."""
        engine, x, generator = session.engine, session.inputs[image], make_generator(seed)
        mean, square = torch.zeros_like(x), torch.zeros_like(x)
        for samples in torch.arange(n_samples).split(engine.batch_size(session.inputs)):
            noise = torch.stack([torch.randn(x.shape, generator=generator) for _ in samples]).to(x)  # (S, C, H, W)
            target = session.target[image].expand(len(samples))
            _, gradients = engine.gradients(x + sigma * noise, target, images=torch.full_like(target, image))
            mean += gradients.sum(0) / n_samples
            square += gradients.square().sum(0) / n_samples
        return mean, square
