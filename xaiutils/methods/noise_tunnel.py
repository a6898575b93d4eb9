"""A noise tunnel: any method, averaged over noisy copies of the input."""

import torch

from xaiutils.core import make_generator, resolve_seed
from xaiutils.methods.base import Attribution
from xaiutils.methods.baselines import resolve_baselines
from xaiutils.methods.captum_methods import IntegratedGradients
from xaiutils.methods.smoothgrad import KINDS, check_noise, moment, noise_scale


class NoiseTunnel(Attribution):
    r"""Average a method's attributions, their square, or their scatter over noisy copies of the input.

    .. math:: A = \frac{1}{n} \sum_{s=1}^{n} a_s, \qquad A_{\text{square}} = \frac{1}{n} \sum_s a_s^2, \qquad
              A_{\text{variance}} = A_{\text{square}} - A^2, \qquad a_s = \mathrm{method}(x + \sigma \epsilon_s)

    ``method``      a class of this package, such as ``IntegratedGradients`` (default) or ``DeepLift``; built with ``method_options``
    ``kind``        ``"mean"``, ``"square"`` or ``"variance"``
    ``n``           copies, ``n_samples``: 10, because each costs a whole run of the method; the thesis takes 20
    ``sigma``       ``noise_level`` 0.15 in ``noise_unit`` ``"range"`` or ``"absolute"``, as in SmoothGrad; the thesis takes 0.7 absolute on
                    standardised inputs
    ``baselines``   of the method, by name found from the input without noise, so that all copies have the same one; a list,
                    for methods that take several, goes on as it is
    further keyword arguments of ``attribute`` are the method's, such as ``n_steps``

    Limit cases   No noise gives the method, its square, or 0. Over the gradient it is SmoothGrad.
    Deviations    Captum adds noise by the global generator; here all copies come from the seed, the same for every image.
    Cost          ``n_samples`` runs of the method.
    Source        Smilkov et al.: SmoothGrad, 2017, section 4; thesis, section 7.2, groups 2 and 3.
    """

    def __init__(self, forward_func, method=IntegratedGradients, *, kind="mean", method_options=None, **options):
        super().__init__(forward_func, **options)
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}.")
        if not (isinstance(method, type) and issubclass(method, Attribution)):
            raise TypeError(f"method must be a class of xaiutils.methods, got {method!r:.60}.")
        self.kind = kind
        self.method = method(forward_func, **options | (method_options or {}))
        self.multiplies_by_inputs = self.method.multiplies_by_inputs

    def attribute(self, inputs, baselines=None, target=None, additional_forward_args=None, *, n_samples=10, noise_level=0.15,
                  noise_unit="range", internal_batch_size=None, seed=0, generator=None, return_convergence_delta=False, **more):
        check_noise(n_samples, noise_level, noise_unit)
        seed = resolve_seed(seed, generator)
        with self.session(inputs, target, additional_forward_args, internal_batch_size, return_convergence_delta) as session:
            more |= {"target": session.target, "additional_forward_args": additional_forward_args,
                     "internal_batch_size": internal_batch_size}
            if baselines is not None:
                several = isinstance(baselines, (list, tuple))
                more["baselines"] = baselines if several else resolve_baselines(baselines, session.inputs, seed)
            seeds = make_generator(seed + 1)  # draws of the method itself, anew for each copy
            scale, noise = noise_scale(session.inputs, noise_level, noise_unit), make_generator(seed)
            mean, square = torch.zeros_like(session.inputs), torch.zeros_like(session.inputs)
            for _ in range(n_samples):
                draw = torch.randn(session.inputs.shape[1:], generator=noise).to(session.inputs)
                attributions = self.method.attribute(session.inputs + scale * draw, seed=resolve_seed(generator=seeds), **more)
                mean += attributions / n_samples
                square += attributions.square() / n_samples
        return moment(self.kind, mean, square)
