"""DeconvNet."""

from xaiutils.methods.rectifiers import RectifierMethod


class DeconvNet(RectifierMethod):
    r"""The gradient, but every rectifier is applied to what comes back instead of to what went in.

    .. math:: R^{l} = \mathrm{max}(R^{l+1}, 0), \qquad A = R^{0}, \quad R^{L} = e_t

    ``R^l``  what goes back below rectifier l; where the rectifier was closed on the way forward does not matter
    ``t``    explained class, ``target``; ``output="logit"``: the way back starts from a unit of the last layer

    Limit cases   A network with one rectifier and a last layer of non-negative weights gives the back-projection W1^T w_t,
                  whatever the image.
    Errors        A network without rectifiers (GELU, SiLU, tanh ...) is refused: the result would be the plain gradient.
    Deviations    Max-pooling goes back to the place of its maximum (the paper's switches) and convolutions by their transpose,
                  as in a gradient. The cap of a ReLU6 has no counterpart in the paper; what comes back is not capped. Captum's
                  version hooks ``nn.ReLU`` modules only; on networks of those both agree.
    Cost          one forward and one backward pass.
    Source        Zeiler, Fergus: Visualizing and Understanding Convolutional Networks, ECCV 2014, section 2.1.
    """

    @staticmethod
    def rule(call, inputs, above):
        """Send back what is positive."""
        return above.clamp(min=0)
