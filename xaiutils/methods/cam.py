"""Class Activation Mapping."""

import torch
from torch import nn

from xaiutils.methods.gradcam import GradCAM
from xaiutils.methods.layers import scores_and_maps


class CAM(GradCAM):
    r"""Add up the last convolutional maps with the weights that the network itself gives them.

    .. math:: A = \mathrm{up} \sum_k w^t_k M^k, \qquad f_t(x) = b_t + \frac{1}{hw} \sum_k w^t_k \sum_{ij} M^k_{ij}

    ``M^k``   channel k of the last convolutional map, rectified if the network does so        (N, K, h, w)
    ``w^t``   row t of the network's one linear layer, its last
    ``up``    bilinear interpolation to height and width of the inputs, the same map in each of their channels

    Limit cases   The mean of the map before ``up``, plus the bias, is the logit. Grad-CAM without its cut at 0 is CAM / (h w).
    Errors        Where the formula for f_t does not give the network's own logit (more dense layers, other poolings) the network
                  is refused.
    Deviations    Signed, as in the paper's formula; its figures show positive values.
    Cost          one forward pass.
    Source        Zhou, Khosla, Lapedriza, Oliva, Torralba: Learning Deep Features for Discriminative Localization, CVPR 2016,
                  Eq. 1 and 2.
    """

    def __init__(self, forward_func, layer=None, **options):
        super().__init__(forward_func, layer, relu=False, **options)
        dense = [module for module in forward_func.modules() if isinstance(module, nn.Linear)]
        if len(dense) != 1:
            raise ValueError(f"CAM needs a network with one linear layer, after the mean of its last maps, got {len(dense)} "
                             "linear layers; use GradCAM.")
        self.head = dense[0]

    def _map(self, session, images):
        with torch.no_grad():
            scores, maps = scores_and_maps(self, session, images)
            if maps.shape[1] != self.head.in_features or not torch.allclose(self.head(maps.mean((2, 3))), scores, rtol=1e-3, atol=1e-4):
                raise ValueError("CAM needs a network that ends in the mean of its last maps and a linear layer, got one "
                                 "whose logits are something else; use GradCAM.")
            return torch.einsum("nk,nkhw->nhw", self.head.weight[session.target[images]], maps)[:, None]
