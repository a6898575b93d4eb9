"""Captum's methods behind this package's checks: strict targets, bounded memory, the model given back as it was."""

import captum.attr
import torch

from xaiutils.core import resolve_seed
from xaiutils.engine import channels_last
from xaiutils.methods.base import Attribution, Session, score_change, total
from xaiutils.methods.baselines import resolve_baselines


def _ask(session: Session, images):
    """What Captum calls: rows of ``images``, or any number of rows of one image, to scores."""
    return lambda rows: session.engine.forward(channels_last(rows), images.expand(len(rows)))


def _by_batches(session: Session, size, captum_method, /, **options):
    """A method of captum.attr over the images, ``size`` at a time."""
    parts = []
    for images in torch.arange(len(session.inputs), device=session.inputs.device).split(size):
        rows = session.inputs[images].requires_grad_()
        each = {name: value[images] if isinstance(value, torch.Tensor) else value for name, value in options.items()}
        parts.append(captum_method(_ask(session, images)).attribute(rows, target=session.target[images], **each))
    return torch.cat(parts).detach().contiguous()


class Saliency(Attribution):
    r"""The gradient of the target's score with respect to the input, its size by default.

    .. math:: A = |\nabla f_t(x)| \quad\text{or, with } \texttt{abs=False},\quad A = \nabla f_t(x)

    ``abs``  True as in Captum and in the saliency paper; a signed gradient adds up and can be compared with other methods

    Limit cases   A linear score gives its weights.
    Cost          one forward and one backward pass.
    Source        Simonyan, Vedaldi, Zisserman: Deep Inside Convolutional Networks, ICLR workshop 2014, section 3;
                  without the absolute value AGI, section 2.1.
    """

    def attribute(self, inputs, target=None, abs=True, additional_forward_args=None, *, internal_batch_size=None, seed=0,
                  generator=None, return_convergence_delta=False):
        with self.session(inputs, target, additional_forward_args, internal_batch_size, return_convergence_delta) as session:
            return _by_batches(session, session.engine.batch_size(inputs), captum.attr.Saliency, abs=abs)


class InputXGradient(Attribution):
    r"""Input times gradient: the first-order share of each pixel in the score.

    .. math:: A = x \odot \nabla f_t(x)

    Limit cases   For a linear score without bias the attributions add up to it.
    Cost          one forward and one backward pass.
    Source        Shrikumar, Greenside, Shcherbina, Kundaje: Not Just a Black Box, 2016.
    """

    multiplies_by_inputs = True

    def attribute(self, inputs, target=None, additional_forward_args=None, *, internal_batch_size=None, seed=0,
                  generator=None, return_convergence_delta=False):
        with self.session(inputs, target, additional_forward_args, internal_batch_size, return_convergence_delta) as session:
            return _by_batches(session, session.engine.batch_size(inputs), captum.attr.InputXGradient)


class IntegratedGradients(Attribution):
    r"""Average the gradient on the straight line from a baseline to the input, times their difference.

    .. math:: A = (x - x') \odot \int_0^1 \nabla f_t(x' + \alpha (x - x'))\,d\alpha

    ``x'``      ``baselines``: a number, a tensor, or ``"black" | "white" | "mean" | "noise" | "blur"``; None is 0, black
    ``n_steps`` points at which the integral is taken: 50, Captum's default; networks as steep as EfficientNet-Lite0
                need a few hundred for completeness, see the delta
    ``method``  Captum's rule for the points: Gauss-Legendre is exact for the smooth parts with fewest points
    ``multiply_by_inputs``  a constructor argument as in Captum; False leaves the factor (x - x') away

    Limit cases   Input equal to the baseline gives 0; a linear score gives (x - x') times its weights with one step.
    Delta         sum A - (f_t(x) - f_t(x')), one number an image; 0 in the limit of many steps.
    Deviations    Captum sends all steps of all images through at once; here memory is bounded by ``internal_batch_size``.
    Cost          ``n_steps`` forward and backward passes.
    Source        Sundararajan, Taly, Yan: Axiomatic Attribution for Deep Networks, ICML 2017, section 3; AGI, Eq. 1.
    """

    def __init__(self, forward_func, multiply_by_inputs=True, **options):
        super().__init__(forward_func, **options)
        self.multiplies_by_inputs = multiply_by_inputs

    def has_convergence_delta(self) -> bool:
        return True

    def attribute(self, inputs, baselines=None, target=None, additional_forward_args=None, n_steps=50, method="gausslegendre",
                  internal_batch_size=None, return_convergence_delta=False, *, seed=0, generator=None):
        if n_steps < 1 or int(n_steps) != n_steps:
            raise ValueError(f"n_steps must be a positive integer, got {n_steps!r}.")
        if n_steps < 2 and method.startswith("riemann"):
            raise ValueError(f"n_steps must be at least 2 for method={method!r}, got {n_steps}.")
        with self.session(inputs, target, additional_forward_args, internal_batch_size) as session:
            start = resolve_baselines(baselines, session.inputs, resolve_seed(seed, generator))
            attributions = _by_batches(
                session, 1, lambda ask: captum.attr.IntegratedGradients(ask, self.multiplies_by_inputs), baselines=start,
                n_steps=n_steps, method=method, internal_batch_size=session.engine.batch_size(inputs))
            if return_convergence_delta:
                return attributions, total(attributions) - score_change(session, start)
        return attributions
