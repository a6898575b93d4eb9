"""Class Activation Mapping."""

import torch
from torch import nn
from torch.nn import functional

from xaiutils.methods.gradcam import GradCAM
from xaiutils.methods.layers import scores_and_maps

ROUNDING = {"float32": 1e-4, "bf16": 0.05}  # of the largest logit, what rounding may move


class CAM(GradCAM):
    r"""Add up the last convolutional maps with the weights that the network itself gives them.

    .. math:: A = \mathrm{up} \sum_k w^t_k M^k, \qquad f_t(x) = b_t + \frac{1}{hw} \sum_k w^t_k \sum_{ij} M^k_{ij}

    ``M^k``   channel k of the last convolutional map, rectified if the network does so        (N, K, h, w)
    ``w^t``   row t of the network's one linear layer, its last
    ``up``    bilinear interpolation to height and width of the inputs, the same map in each of their channels
    ``layer`` that gives M, a module or its name; found by itself as in GradCAM

    Limit cases   The mean of the map before ``up``, plus the bias, is the logit. Grad-CAM without its cut at 0 is CAM / (h w).
    Errors        Where the formula for f_t does not give the network's own logit (more dense layers, other poolings) the network
                  is refused, and so is another ``output`` than the logit.
    Deviations    Signed, as in the paper's formula; its figures show positive values.
    Cost          one forward pass.
    Source        Zhou, Khosla, Lapedriza, Oliva, Torralba: Learning Deep Features for Discriminative Localization, CVPR 2016,
                  Eq. 1 and 2.
    """

    def __init__(self, forward_func, layer=None, **options):
        super().__init__(forward_func, layer, relu=False, **options)
        if not isinstance(forward_func, nn.Module):
            raise TypeError("forward_func must be a network, whose linear layer CAM reads, got "
                            f"{type(forward_func).__name__}.")
        if self.output != "logit":
            raise ValueError(f'output must be "logit", the sum that CAM takes apart, got {self.output!r}; use GradCAM.')
        dense = [module for module in forward_func.modules() if isinstance(module, nn.Linear)]
        if len(dense) != 1:
            raise ValueError(f"CAM needs a network with one linear layer, after the mean of its last maps, got {len(dense)} "
                             "linear layers; use GradCAM.")
        self.head = dense[0]

    def _map(self, session, images):
        with torch.no_grad():
            scores, maps = scores_and_maps(self, session, images)
            maps = maps.to(scores.dtype)
            if maps.shape[1] != self.head.in_features or not self._adds_up(maps, scores):
                raise ValueError("CAM needs a network that ends in the mean of its last maps and a linear layer, got one "
                                 "whose logits are something else; use GradCAM.")
            return torch.einsum("nk,nkhw->nhw", self.head.weight[session.target[images]], maps)[:, None]

    def _adds_up(self, maps, scores):
        """Whether the linear layer on the mean of the maps gives the network's logits."""
        logits = functional.linear(maps.mean((2, 3)), self.head.weight, self.head.bias)
        return bool((logits - scores).abs().max() <= ROUNDING[self.precision] * scores.abs().max())
