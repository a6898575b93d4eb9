"""Guided Grad-CAM and Guided Grad-CAM++."""

from xaiutils.methods.base import Attribution
from xaiutils.methods.gradcam import GradCAM, GradCAMPlusPlus
from xaiutils.methods.guided_backprop import GuidedBackprop


class Guided(Attribution):
    """Base of Guided Grad-CAM and Guided Grad-CAM++: a CAM times Guided Backprop, pixel by pixel."""

    cam = GradCAM

    def __init__(self, forward_func, layer=None, **options):
        super().__init__(forward_func, **options)
        self.parts = self.cam(forward_func, layer, **options), GuidedBackprop(forward_func, **options)

    def attribute(self, inputs, target=None, additional_forward_args=None, *, internal_batch_size=None, seed=0,
                  generator=None, return_convergence_delta=False):
        cam, guided = (part.attribute(inputs, target, additional_forward_args, internal_batch_size=internal_batch_size,
                                      return_convergence_delta=return_convergence_delta) for part in self.parts)
        return cam * guided


class GuidedGradCAM(Guided):
    r"""Guided Backprop where Grad-CAM looks.

    .. math:: A = A_{\text{Grad-CAM}} \odot A_{\text{Guided Backprop}}

    ``layer``  of Grad-CAM, found by itself

    Limit cases   0 wherever either of the two is.
    Cost          two forward and two backward passes.
    Source        Selvaraju et al.: Grad-CAM, ICCV 2017, section 3.2.
    """


class GuidedGradCAMPlusPlus(Guided):
    r"""Guided Backprop where Grad-CAM++ looks.

    .. math:: A = A_{\text{Grad-CAM++}} \odot A_{\text{Guided Backprop}}

    ``layer``  of Grad-CAM++, found by itself

    Limit cases   0 wherever either of the two is.
    Cost          two forward and two backward passes.
    Source        Chattopadhay et al.: Grad-CAM++, WACV 2018, section 3.4.
    """

    cam = GradCAMPlusPlus
