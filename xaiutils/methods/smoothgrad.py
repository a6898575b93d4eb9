"""SmoothGrad."""

import torch

from xaiutils.core import make_generator, resolve_seed
from xaiutils.methods.base import Attribution

UNITS = ("range", "absolute")


class SmoothGrad(Attribution):
    r"""Average the gradient over noisy copies of the input.

    .. math:: A = \frac{1}{n} \sum_{s=1}^{n} \nabla f_t(x + \sigma \epsilon_s), \qquad \epsilon_s \sim N(0, 1)

    ``n``            copies, ``n_samples``: 50, where the paper sees its maps settle
    ``noise_level``  sigma: 0.15, the middle of the paper's 10-20 %
    ``noise_unit``   what sigma is a share of: ``"range"``, each image's max - min as in the paper, or ``"absolute"``,
                     pixel units as in Captum's NoiseTunnel (whose default, 1.0, is the whole range of a photograph)

    Limit cases   No noise gives the gradient; a linear score gives its weights at any noise.
    Deviations    Signed, like the gradient; take ``.abs()`` for the paper's display. Each image gets the same draws.
    Cost          ``n_samples`` forward and backward passes.
    Source        Smilkov, Thorat, Kim, Viegas, Wattenberg: SmoothGrad: removing noise by adding noise, 2017.
    """

    def attribute(self, inputs, target=None, additional_forward_args=None, *, n_samples=50, noise_level=0.15,
                  noise_unit="range", internal_batch_size=None, seed=0, generator=None, return_convergence_delta=False):
        if n_samples < 1 or int(n_samples) != n_samples:
            raise ValueError(f"n_samples must be a positive integer, got {n_samples!r}.")
        if noise_level < 0 or noise_unit not in UNITS:
            raise ValueError(f"noise_level must be >= 0 in units of {' or '.join(UNITS)}, got {noise_level!r} {noise_unit!r}.")
        seed = resolve_seed(seed, generator)
        with self.session(inputs, target, additional_forward_args, internal_batch_size, return_convergence_delta) as session:
            maps = [self._one(session, image, n_samples, noise_level, noise_unit, seed) for image in range(len(inputs))]
        return torch.stack(maps)

    @staticmethod
    def _one(session, image, n_samples, noise_level, noise_unit, seed):
        """The averaged gradient of one image."""
        engine, x, generator = session.engine, session.inputs[image], make_generator(seed)
        sigma = noise_level * (x.max() - x.min() if noise_unit == "range" else 1.0)
        summed = torch.zeros_like(x)
        for samples in torch.arange(n_samples).split(engine.batch_size(session.inputs)):
            noise = torch.stack([torch.randn(x.shape, generator=generator) for _ in samples]).to(x)  # (S, C, H, W)
            target = session.target[image].expand(len(samples))
            _, gradients = engine.gradients(x + sigma * noise, target, images=torch.full_like(target, image))
            summed += gradients.sum(0)
        return summed / n_samples
