"""Does this method fit this network? Ask before a pretty picture answers.

Hook-based methods watch ``nn.ReLU`` modules. On a network whose rectifiers are functions (``F.relu``), capped (``nn.ReLU6``)
or one module used twice they silently return the plain gradient or fail half-way. :func:`survey` runs the network once and
counts what really happens; :func:`check` turns the counts into a verdict for one method.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

RECTIFIERS = frozenset({"relu", "relu_", "relu6", "hardtanh", "hardtanh_"})
SMOOTH_ACTIVATIONS = frozenset({"gelu", "silu", "sigmoid", "tanh", "elu", "elu_", "celu", "selu", "leaky_relu", "leaky_relu_",
                                "prelu", "softplus", "mish", "hardswish", "hardsigmoid"})

# without rectifiers these, or the map they multiply by, are the plain gradient
RECTIFIER_METHODS = ("guided-backprop", "deconvnet", "rectgrad", "guided-grad-cam", "guided-grad-cam-pp")
WALKING_BACK = ("lrp", "rap", "deeplift")             # beginnings of keys: rules at every layer, rectifiers or not


@dataclass
class Survey:
    """What one forward pass met."""

    calls: dict[str, int] = field(default_factory=dict)      # activation function -> times called, however it is written
    modules: dict[str, int] = field(default_factory=dict)    # name of a rectifying module -> times used
    training: list[str] = field(default_factory=list)        # modules in train mode

    @property
    def rectifiers(self) -> int:
        return sum(n for name, n in self.calls.items() if name in RECTIFIERS)

    @property
    def functional(self) -> int:
        """Rectifier calls that no module makes: out of reach of hooks."""
        return self.rectifiers - sum(self.modules.values())

    @property
    def reused(self) -> list[str]:
        return [name for name, n in self.modules.items() if n > 1]


@dataclass(frozen=True)
class Fit:
    """``verdict`` "fits" | "handled" | "refused", and why in one sentence."""

    verdict: str
    reason: str


class _Count(TorchFunctionMode):
    """Counts calls of activation functions by name."""

    def __init__(self, calls):
        super().__init__()
        self.calls = calls

    def __torch_function__(self, function, types, args=(), kwargs=None):
        name = getattr(function, "__name__", "")
        if name in RECTIFIERS | SMOOTH_ACTIVATIONS:
            self.calls[name] = self.calls.get(name, 0) + 1
        return function(*args, **(kwargs or {}))


def survey(model: nn.Module, inputs: Tensor) -> Survey:
    """Run ``model`` once on ``inputs`` (one image is enough) and count its activations."""
    found = Survey(training=[name or "the model itself" for name, module in model.named_modules() if module.training])

    def used(name):
        return lambda *_: found.modules.update({name: found.modules.get(name, 0) + 1})

    handles = [module.register_forward_hook(used(name)) for name, module in model.named_modules()
               if isinstance(module, (nn.ReLU, nn.ReLU6))]
    try:
        with torch.no_grad(), _Count(found.calls):
            model(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return found


def check(method: str, model: nn.Module, inputs: Tensor) -> Fit:
    """Whether the method of this name (a key of ``METHODS``) says on ``model`` what its paper means.

    ``fits``: as it is. ``handled``: a hook-based library would go wrong here, this package does not, and the reason says
    how. ``refused``: calling ``attribute`` raises, and the reason says what to do.
    """
    found = survey(model, inputs)
    if found.training:
        return Fit("refused", f"{found.training[0]} is in train mode; call model.eval() first.")
    dense = sum(isinstance(module, nn.Linear) for module in model.modules())
    if method == "cam" and dense != 1:
        return Fit("refused", f"needs one linear layer, after the mean of the last maps, found {dense}; use grad-cam.")
    if method in RECTIFIER_METHODS and not found.rectifiers:
        return Fit("refused", f"needs rectifiers, found {', '.join(found.calls) or 'no activation at all'}; use saliency for its gradient.")
    if method not in RECTIFIER_METHODS and not method.startswith(WALKING_BACK):
        return Fit("fits", "needs scores and gradients only.")
    capped = found.calls.keys() & {"relu6", "hardtanh", "hardtanh_"}
    hidden = [text for text, here in ((f"{found.functional} functional rectifiers", found.functional), ("ReLU6", capped),
                                      (f"re-used {', '.join(found.reused)}", found.reused)) if here]
    if hidden:
        return Fit("handled", f"{' and '.join(hidden)} out of reach of hooks: the rule is applied where functions are dispatched.")
    return Fit("fits", f"{found.rectifiers} nn.ReLU modules, each used once.")
