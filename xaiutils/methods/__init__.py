"""The attribution methods by name.

>>> METHODS["agi"](network).attribute(inputs, target="pred")

Every entry is built as ``METHODS[name](model, **options)`` and called as ``.attribute(inputs, target=...)``; what differs
are keyword arguments, each explained in the docstring of its class. A new method is a file here and a line below; the
common tests then run over it by themselves.
"""

from xaiutils.methods.agi import AGI
from xaiutils.methods.base import Attribution
from xaiutils.methods.captum_methods import InputXGradient, IntegratedGradients, Saliency
from xaiutils.methods.guided_backprop import GuidedBackprop
from xaiutils.methods.smoothgrad import SmoothGrad

METHODS: dict[str, type[Attribution]] = {
    "saliency": Saliency,
    "input-x-gradient": InputXGradient,
    "integrated-gradients": IntegratedGradients,
    "smoothgrad": SmoothGrad,
    "guided-backprop": GuidedBackprop,
    "agi": AGI,
}

__all__ = ["METHODS", "Attribution", *sorted(method.__name__ for method in METHODS.values())]
