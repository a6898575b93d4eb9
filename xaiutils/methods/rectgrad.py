"""RectGrad."""

import torch
from torch.nn import functional

from xaiutils.methods.propagation import vector_jacobian
from xaiutils.methods.rectifiers import RectifierMethod

TINY = 1e-10  # of the released code's division by pooled means


def nearest_rank(values: torch.Tensor, percentile: float) -> torch.Tensor:
    """The ``percentile`` of each sample's values, one of the values themselves: (N, ...) -> (N,).

    Counted from the largest, number round((d - 1)(1 - percentile / 100)) of d.
    """
    flat = values.flatten(1)
    d = flat.shape[1]
    from_the_top = round((d - 1) * (1 - percentile / 100))
    return flat.kthvalue(d - from_the_top, dim=1).values


class RectGrad(RectifierMethod):
    r"""Send back, at every rectifier, only what matters most: where activation times gradient is above a threshold.

    .. math:: R^{l} = \mathbb{1}[a^{l} R^{l+1} > \tau^{l}]\; R^{l+1}, \qquad A = x \odot R^{0}, \quad R^{L} = e_t

    ``a^l``   what rectifier l gives                                                  (N, ...)
    ``tau``   for each image and rectifier the ``percentile`` of a R over its units: 98, the paper's choice; the value of nearest
              rank, as the released code's library takes it. ``threshold=0.0`` puts a number in its place
    ``dead_units``  True: with a tau below 0 (small percentiles) also units that gave 0 let R pass, as in the released code
    ``border``      True zeroes R on the outermost ring of each convolution that keeps the resolution, the released class'
                    "padding trick"; False as in the paper's formulas
    ``proportional_pooling``  True sends R back through max-pooling in proportion to the inputs instead of to the maximum

    Limit cases   Threshold 0 is Guided Backprop times input on ReLU networks: a R > 0 only where both are positive.
    Errors        A network without rectifiers is refused, and a percentile outside 0 ... 100.
    Deviations    Signed: the paper's display cuts the result at 0 (thesis, Eq. 4.10). A ReLU6 above its cap passes R like an
                  open one, where Guided Backprop closes it: what counts is its output.
    Cost          one forward and one backward pass.
    Source        Kim et al.: Why are Saliency Maps Noisy? Cause of and Solution to Noisy Saliency Maps, 2019, section 3;
                  thesis, Eq. 4.9 and 4.10.
    """

    multiplies_by_inputs = True

    def __init__(self, forward_func, *, percentile=98.0, threshold=None, dead_units=True, border=False,
                 proportional_pooling=False, **options):
        super().__init__(forward_func, **options)
        if not 0 <= percentile <= 100:
            raise ValueError(f"percentile must lie in 0 ... 100, got {percentile!r}.")
        self.percentile, self.threshold, self.dead_units = percentile, threshold, dead_units
        self.border, self.proportional_pooling = border, proportional_pooling

    def rules(self):
        rules = {"rectifier": self.rule}
        if self.border:
            rules["linear"] = without_border
        if self.proportional_pooling:
            rules["pooling"] = proportionally
        return rules

    def rule(self, call, inputs, above):
        """Send back what is important enough for its image."""
        activation = call.run(inputs[0])
        importance = activation * above
        tau = self.threshold
        if tau is None:
            tau = nearest_rank(importance, self.percentile).view(-1, *[1] * (above.dim() - 1))
        passed = importance > tau
        return above * (passed if self.dead_units else passed & (activation > 0))

    def attribute(self, inputs, *args, **kwargs):
        return super().attribute(inputs, *args, **kwargs) * inputs.detach()


def without_border(call, inputs, above):
    """A convolution's gradient without what arrives at the outermost ring of its output."""
    if above.dim() == 4 and above.shape[2:] == inputs[0].shape[2:]:
        inner = torch.zeros_like(above)
        inner[:, :, 1:-1, 1:-1] = above[:, :, 1:-1, 1:-1]
        above = inner
    return vector_jacobian(call.run, inputs[0], above)


def proportionally(call, inputs, above):
    """Max-pooling taken for mean-pooling: each input gets its share of the window's sum; other poolings by their gradient."""
    if not call.name.startswith("max_pool2d"):
        return vector_jacobian(call.run, inputs[0], above)
    window = dict(zip(("kernel_size", "stride", "padding", "dilation", "ceil_mode"), call.args[1:])) | call.kwargs
    if window.get("dilation", 1) not in (1, (1, 1)):
        raise ValueError(f"proportional_pooling must be False for max-pooling with dilation, got {window['dilation']}.")

    def mean(x):
        return functional.avg_pool2d(x, window["kernel_size"], window.get("stride") or None, window.get("padding", 0),
                                     window.get("ceil_mode", False))
    x = inputs[0]
    return x * vector_jacobian(mean, x, above / (mean(x) + TINY))
