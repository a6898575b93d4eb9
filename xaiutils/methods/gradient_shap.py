"""GradientSHAP, also called Expected Gradients."""

import torch

from xaiutils.core import make_generator, resolve_seed
from xaiutils.methods.base import Attribution, score_change, total
from xaiutils.methods.baselines import resolve_distribution


class GradientShap(Attribution):
    r"""Integrated gradients, averaged over several baselines, with gradients taken at random points of the lines.

    .. math:: A = \frac{1}{B} \sum_b \frac{1}{S_b} \sum_{s} (\tilde x_s - x'_b) \odot \nabla f_t(x'_b + \alpha_s (\tilde x_s - x'_b)),
              \qquad \tilde x_s = x + \sigma \epsilon_s

    ``x'_b``      ``baselines``: a tensor (B, ...) of images, the same for every input, such as a batch of training images; or a
                  list of names, numbers and tensors. Default: black, white, the mean colour and a blur, because a library has
                  no training images; the thesis takes a blurred image and the image itself, the credible-path paper three
    ``S_b``       samples of baseline b; ``n_samples`` in all, 48: twelve for each of the four
    ``alpha_s``   a uniform draw from the s-th of S_b equal parts of [0, 1]
    ``sigma``     ``noise_level`` in pixel units, 0 as in Expected Gradients; Captum calls it stdevs
    ``multiply_by_inputs``  a constructor argument as in Captum; False leaves the factor away

    Limit cases   A linear score gives the mean over b of (x - x'_b) times its weights with any draw; one baseline and many
                  samples give integrated gradients.
    Delta         sum A - mean over b of (f_t(x) - f_t(x'_b)), one number an image; 0 in the limit of many samples.
    Deviations    Captum draws baselines and alpha independently, which scatters more: here each baseline gets its share of the
                  samples and each part of its line one. Both have the same mean. Every image gets the same draws.
    Cost          ``n_samples`` forward and backward passes.
    Source        Lundberg, Lee 2017 (shap.GradientExplainer); Erion et al.: Improving performance of deep learning models with
                  axiomatic attribution priors and expected gradients, 2021, Eq. 5; thesis, section 7.2; credible path, Table 1.
    """

    def __init__(self, forward_func, multiply_by_inputs=True, **options):
        super().__init__(forward_func, **options)
        self.multiplies_by_inputs = multiply_by_inputs

    def has_convergence_delta(self) -> bool:
        return self.multiplies_by_inputs

    def attribute(self, inputs, baselines=("black", "white", "mean", "blur"), target=None, additional_forward_args=None,
                  return_convergence_delta=False, *, n_samples=48, noise_level=0.0, internal_batch_size=None, seed=0, generator=None):
        if noise_level < 0:
            raise ValueError(f"noise_level must be >= 0, in pixel units, got {noise_level!r}.")
        seed = resolve_seed(seed, generator)
        with self.session(inputs, target, additional_forward_args, internal_batch_size, return_convergence_delta) as session:
            several = resolve_distribution(baselines, session.inputs, seed)  # (N, B, ...)
            n_baselines = several.shape[1]
            if int(n_samples) != n_samples or n_samples < n_baselines:
                raise ValueError(f"n_samples must be an integer of at least the number of baselines, {n_baselines}, got {n_samples!r}.")
            attributions = torch.stack([self._one(session, image, several[image], n_samples, noise_level, seed)
                                        for image in range(len(inputs))])
            if return_convergence_delta:
                changes = [score_change(session, several[:, b]) for b in range(n_baselines)]
                return attributions, total(attributions) - torch.stack(changes).mean(0)
        return attributions

    def _one(self, session, image, starts, n_samples, noise_level, seed):
        """The attributions of one image against its baselines ``starts`` (B, ...)."""
        engine, x, generator = session.engine, session.inputs[image], make_generator(seed)
        which, part = torch.arange(n_samples) % len(starts), torch.arange(n_samples) // len(starts)
        shares = which.bincount()[which]  # S_b of each sample's baseline
        alphas = ((part + torch.rand(n_samples, generator=generator, dtype=torch.float64)) / shares).to(x)
        weights = (1 / (len(starts) * shares)).to(x)
        summed = torch.zeros_like(x)
        for samples in torch.arange(n_samples).split(engine.batch_size(session.inputs)):
            noise = torch.stack([torch.randn(x.shape, generator=generator) for _ in samples]).to(x)
            start = starts[which[samples].to(x.device)]
            step = x + noise_level * noise - start  # (S, C, H, W)
            column = (-1, *[1] * x.dim())
            target = session.target[image].expand(len(samples))
            _, gradients = engine.gradients(start + alphas[samples].view(column) * step, target, images=torch.full_like(target, image))
            summed += (weights[samples].view(column) * (gradients * step if self.multiplies_by_inputs else gradients)).sum(0)
        return summed
