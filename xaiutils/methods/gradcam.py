"""Grad-CAM and Grad-CAM++."""

import torch
from torch import Tensor
from torch.nn import functional

from xaiutils.methods.base import Attribution
from xaiutils.methods.layers import layer_gradients, layer_output

EPSILON = 1e-6  # of Grad-CAM++'s denominator, as in pytorch-grad-cam


def mean_gradient(maps: Tensor, gradients: Tensor) -> Tensor:
    """Grad-CAM's weights (N, K): the mean gradient of each channel."""
    return gradients.mean((2, 3))


def higher_order(maps: Tensor, gradients: Tensor) -> Tensor:
    """Grad-CAM++'s weights (N, K): positive gradients, weighted by alpha."""
    denominator = 2 * gradients**2 + maps.sum((2, 3), keepdim=True) * gradients**3 + EPSILON
    alpha = torch.where(gradients == 0, 0.0, gradients**2 / denominator)
    return (alpha * gradients.clamp(min=0)).sum((2, 3))


class GradCAM(Attribution):
    r"""Weight the channels of the last convolutional maps by the mean gradient of the target's score, and add them up.

    .. math:: A = \mathrm{up}\Big(\mathrm{relu} \sum_k w_k M^k\Big), \qquad w_k = \frac{1}{hw} \sum_{ij} \frac{\partial f_t}{\partial M^k_{ij}}

    ``M^k``   channel k of the output of ``layer``                                 (N, K, h, w)
    ``layer`` a module or its dotted name; default: the last map before spatial dimensions vanish, rectified and joined as the
              network leaves it but not pooled, the layer the paper takes, found during the pass (see :class:`LastMap`)
    ``up``    bilinear interpolation to height and width of the inputs, the same map in each of their channels
    ``relu``  ``relu=False`` keeps what speaks against the class; the paper cuts it

    Limit cases   On a network that ends in the mean of its last maps and one linear layer it is CAM over h w, cut at 0.
    Errors        An unknown layer, a layer without maps, a network without convolutions are refused.
    Deviations    Not scaled to [0, 1]; that is display.
    Cost          one forward pass and one backward pass down to ``layer``.
    Source        Selvaraju et al.: Grad-CAM, ICCV 2017, Eq. 1 and 2; thesis, section 4.3.
    """

    weights = staticmethod(mean_gradient)

    def __init__(self, forward_func, layer=None, relu=True, **options):
        super().__init__(forward_func, **options)
        layer_output(forward_func, layer)  # refuses bad layers now rather than later
        self.layer, self.relu = layer, relu

    def attribute(self, inputs, target=None, additional_forward_args=None, *, internal_batch_size=None, seed=0,
                  generator=None, return_convergence_delta=False):
        if isinstance(inputs, Tensor) and inputs.dim() != 4:
            raise ValueError(f"inputs must be images (N, C, H, W), got shape {tuple(inputs.shape)}.")
        with self.session(inputs, target, additional_forward_args, internal_batch_size, return_convergence_delta) as session:
            batches = torch.arange(len(inputs), device=inputs.device).split(session.engine.batch_size(inputs))
            maps = torch.cat([self._map(session, images) for images in batches])
        small = maps.clamp(min=0) if self.relu else maps
        return functional.interpolate(small, inputs.shape[2:], mode="bilinear", align_corners=False).expand_as(inputs).clone()

    def _map(self, session, images):
        """The weighted sum of the layer's channels for some of the images, (n, 1, h, w)."""
        maps, gradients = layer_gradients(self, session, images)
        return (self.weights(maps, gradients)[:, :, None, None] * maps).sum(1, keepdim=True)


class GradCAMPlusPlus(GradCAM):
    r"""Grad-CAM with weights that count every place where a channel speaks for the class, however small.

    .. math:: A = \mathrm{up}\Big(\mathrm{relu} \sum_k w_k M^k\Big), \quad
              w_k = \sum_{ij} \alpha^k_{ij}\,\mathrm{relu}(g^k_{ij}), \quad
              \alpha^k_{ij} = \frac{(g^k_{ij})^2}{2 (g^k_{ij})^2 + (g^k_{ij})^3 \sum_{ab} M^k_{ab} + 10^{-6}}

    ``g``     gradient of the target's logit with respect to ``M``, the output of ``layer``; other arguments as in GradCAM

    Limit cases   Where all gradients of a channel are negative or zero it gets no weight; alpha is 0 where the gradient is.
    Deviations    The closed form takes the score for an exponential of the logit, as the paper does. The thesis (Eq. 4.14) has
                  alpha = 1 / sum g, which is the paper's motivation for binary maps and not the method.
    Cost          one forward pass and one backward pass down to ``layer``.
    Source        Chattopadhay et al.: Grad-CAM++, WACV 2018, Eq. 10 and 19; thesis, Eq. 4.11 to 4.13.
    """

    weights = staticmethod(higher_order)
