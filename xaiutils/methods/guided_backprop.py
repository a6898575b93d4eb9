"""Guided Backpropagation."""

from xaiutils.methods.propagation import passes
from xaiutils.methods.rectifiers import RectifierMethod


class GuidedBackprop(RectifierMethod):
    r"""The gradient, with negative parts cut off at every rectifier on the way back.

    .. math:: R^{l} = \mathbb{1}[0 < x^{l} < c]\;\mathrm{max}(R^{l+1}, 0), \qquad A = R^{0}, \quad R^{L} = e_t

    ``x^l``  what enters rectifier l; c is infinite for a ReLU and 6 for a ReLU6
    ``R^l``  what goes back below it
    ``t``    explained class, ``target``; ``output="logit"`` as in the paper, which starts from a unit of the last layer

    Limit cases   A network with one rectifier and a last layer of non-negative weights gives the gradient.
    Errors        A network without rectifiers (GELU, SiLU, tanh ...) is refused: the result would be the plain gradient.
    Deviations    Captum's version hooks ``nn.ReLU`` modules and so returns the plain gradient for ReLU6 networks
                  (EfficientNet-Lite0, MobileNet) and functional ones (InceptionV3, GoogLeNet). Here every rectifier counts,
                  whether module, function, in place or re-used; on networks of ``nn.ReLU`` modules both agree.
    Cost          one forward and one backward pass.
    Source        Springenberg, Dosovitskiy, Brox, Riedmiller: Striving for Simplicity, ICLR workshop 2015, section 3.4.
    """

    @staticmethod
    def rule(call, inputs, above):
        """Send back what is positive and where the rectifier was open."""
        return above.clamp(min=0) * passes(call, inputs[0])
