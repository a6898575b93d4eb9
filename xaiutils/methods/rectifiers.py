"""What Guided Backprop, DeconvNet and RectGrad share: a gradient whose way back through every rectifier is another rule."""

from xaiutils.methods.base import Attribution
from xaiutils.methods.propagation import BackwardRules


class RectifierMethod(Attribution):
    """Base of methods that replace the derivative of rectifiers; a method is a ``rule`` and its docstring.

    ``rule``  what a rectifier sends back: (its :class:`Call`, the list of its one input, what arrives from above)
    """

    @staticmethod
    def rule(call, inputs, above):
        raise NotImplementedError

    def rules(self):
        """Rules by kind of layer: the one of the rectifiers, and whatever else a method changes."""
        return {"rectifier": self.rule}

    def attribute(self, inputs, target=None, additional_forward_args=None, *, internal_batch_size=None, seed=0,
                  generator=None, return_convergence_delta=False):
        rules = BackwardRules(self.rules())
        with self.session(inputs, target, additional_forward_args, internal_batch_size, return_convergence_delta) as session:
            session.engine.forward_func = rules.around(self.forward_func)
            _, attributions = session.engine.gradients(session.inputs, session.target)
        if "rectifier" not in rules.seen:
            raise ValueError(f"{type(self).__name__} needs rectifiers (ReLU, ReLU6) in the model, found "
                             f"{', '.join(rules.seen) or 'no activation'} only; use Saliency for its gradient.")
        return attributions.contiguous()
