"""The attribution methods by name.

>>> METHODS["agi"](network).attribute(inputs, target="pred")

Every entry is built as ``METHODS[name](model, **options)`` and called as ``.attribute(inputs, target=...)``; what differs
are keyword arguments, each explained in the docstring of its class. A new method is a file here and a line below; the
common tests then run over it by themselves.
"""

from collections.abc import Callable
from functools import partial, update_wrapper

from xaiutils.methods.agi import AGI
from xaiutils.methods.axai import AXAI
from xaiutils.methods.base import Attribution
from xaiutils.methods.cam import CAM
from xaiutils.methods.captum_methods import InputXGradient, IntegratedGradients, Saliency
from xaiutils.methods.credible_path import CredibleIntegratedGradients
from xaiutils.methods.dasp import DASP
from xaiutils.methods.deconvnet import DeconvNet
from xaiutils.methods.deeplift import DeepLift, DeepLiftShap
from xaiutils.methods.feature_suppression import FeatureSuppression
from xaiutils.methods.gradcam import GradCAM, GradCAMPlusPlus
from xaiutils.methods.gradient_shap import GradientShap
from xaiutils.methods.guided_backprop import GuidedBackprop
from xaiutils.methods.guided_gradcam import GuidedGradCAM, GuidedGradCAMPlusPlus
from xaiutils.methods.kernel_shap import KernelShap
from xaiutils.methods.lime import Lime
from xaiutils.methods.lrp import LRP
from xaiutils.methods.noise_tunnel import NoiseTunnel
from xaiutils.methods.occlusion import Occlusion
from xaiutils.methods.rap import RAP
from xaiutils.methods.rectgrad import RectGrad
from xaiutils.methods.reveal_cancel import DeepLiftRevealCancel
from xaiutils.methods.shapley import ExactShapley
from xaiutils.methods.smoothgrad import SmoothGrad


def _preset(method, /, **options):
    """``method`` with other defaults, under its own name and docstring."""
    return update_wrapper(partial(method, **options), method, updated=())


METHODS: dict[str, Callable[..., Attribution]] = {
    "saliency": Saliency,
    "input-x-gradient": InputXGradient,
    "integrated-gradients": IntegratedGradients,
    "credible-ig": CredibleIntegratedGradients,
    "smoothgrad": SmoothGrad,
    "smoothgrad-squared": _preset(SmoothGrad, kind="square"),
    "vargrad": _preset(SmoothGrad, kind="variance"),
    "feature-suppression": FeatureSuppression,
    "guided-backprop": GuidedBackprop,
    "deconvnet": DeconvNet,
    "rectgrad": RectGrad,
    "cam": CAM,
    "grad-cam": GradCAM,
    "grad-cam-pp": GradCAMPlusPlus,
    "guided-grad-cam": GuidedGradCAM,
    "guided-grad-cam-pp": GuidedGradCAMPlusPlus,
    "smoothgrad-ig": NoiseTunnel,
    "smoothgrad-deeplift": _preset(NoiseTunnel, method=DeepLift),
    "gradient-shap": GradientShap,
    "deeplift": DeepLift,
    "deeplift-reveal-cancel": DeepLiftRevealCancel,
    "deeplift-shap": DeepLiftShap,
    "lrp-epsilon": _preset(LRP, rule="epsilon"),
    "lrp-alpha1-beta0": _preset(LRP, alpha=1),
    "lrp-alpha2-beta1": _preset(LRP, alpha=2),
    "rap": RAP,
    "occlusion": Occlusion,
    "lime": Lime,
    "kernel-shap": KernelShap,
    "exact-shapley": ExactShapley,
    "dasp": DASP,
    "agi": AGI,
    "axai": AXAI,
}

__all__ = ["METHODS", "AGI", "AXAI", "Attribution", "CAM", "CredibleIntegratedGradients", "DASP", "DeconvNet", "DeepLift", "DeepLiftRevealCancel", "DeepLiftShap",
           "ExactShapley", "FeatureSuppression", "GradCAM", "GradCAMPlusPlus", "GradientShap", "GuidedBackprop", "GuidedGradCAM",
           "GuidedGradCAMPlusPlus", "InputXGradient", "IntegratedGradients", "KernelShap", "LRP", "Lime", "NoiseTunnel", "Occlusion", "RAP", "RectGrad",
           "Saliency", "SmoothGrad"]
