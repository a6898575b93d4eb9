"""What every method and every metric shares: targets, checks, chance, channel sums, and borrowing a model.

Everything here takes any network and any tensor of inputs, (N, ...) with images as the usual case, (N, C, H, W).
"""

from contextlib import contextmanager

import torch
from torch import Tensor, nn

REDUCTIONS = {
    "sum": lambda a: a.sum(1),
    "mean": lambda a: a.mean(1),
    "abs_sum": lambda a: a.abs().sum(1),
    "abs_max": lambda a: a.abs().amax(1),
}


def check_inputs(inputs, name: str = "inputs") -> None:
    """Refuse what is not a non-empty batch (N, ...) of finite floating point numbers."""
    if not isinstance(inputs, Tensor):
        raise TypeError(f"{name} must be a tensor of shape (N, ...), got {type(inputs).__name__}.")
    if not inputs.is_floating_point():
        raise TypeError(f"{name} must be floating point (pixels in [0, 1]), got {inputs.dtype}; call .float() and scale.")
    if inputs.dim() < 2 or inputs.shape[0] == 0:
        raise ValueError(f"{name} must be a batch (N, ...) with N >= 1, got shape {tuple(inputs.shape)}.")
    if not torch.isfinite(inputs).all():
        raise ValueError(f"{name} must be finite, got {int((~torch.isfinite(inputs)).sum())} NaN or infinite values.")


def resolve_target(target, scores: Tensor) -> Tensor:
    """The explained class of each row of ``scores`` (N, K), as integers (N,).

    ``target`` is one class for all rows (an int), one class a row (a list or 1-D integer tensor of length N), or
    ``"pred"`` for the class each row is assigned to. ``None`` is understood only where there is one class to explain:
    a forgotten target must not silently become class 0.
    """
    n_rows, n_classes = scores.shape
    if target is None:
        if n_classes > 1:
            raise ValueError(f'target is missing: the model has {n_classes} classes, pass an int, one int a row, or "pred".')
        target = 0
    if isinstance(target, str):
        if target != "pred":
            raise ValueError(f'target must be an int, one int a row, or "pred", got {target!r}.')
        return scores.argmax(1)
    classes = torch.as_tensor(target, device=scores.device)
    if classes.is_floating_point() or classes.dtype == torch.bool:
        raise TypeError(f"target must be integer class indices, got {classes.dtype}.")
    if classes.dim() > 1 or (classes.dim() == 1 and len(classes) != n_rows):
        raise ValueError(f"target must be one int or {n_rows} ints, one a row, got shape {tuple(classes.shape)}.")
    if classes.numel() and not (0 <= int(classes.min()) and int(classes.max()) < n_classes):
        raise ValueError(f"target must lie in 0 ... {n_classes - 1}, got {classes.tolist()}.")
    return classes.long().expand(n_rows)


def reduce_channels(attributions: Tensor, how: str = "sum") -> Tensor:
    """Heat maps (N, H, W) from attributions (N, C, H, W): ``"sum" | "mean" | "abs_sum" | "abs_max"`` over channels."""
    if how not in REDUCTIONS:
        raise ValueError(f"how must be one of {', '.join(REDUCTIONS)}, got {how!r}.")
    if attributions.dim() != 4:
        raise ValueError(f"attributions must be (N, C, H, W), got shape {tuple(attributions.shape)}.")
    return REDUCTIONS[how](attributions)


def make_generator(seed: int = 0) -> torch.Generator:
    """A generator of its own for ``seed``, on the CPU so that every device sees the same draws."""
    return torch.Generator().manual_seed(seed)


def resolve_seed(seed: int = 0, generator: torch.Generator | None = None) -> int:
    """The seed every row's draws start from; a generator given wins over ``seed`` and moves on by one number."""
    if generator is None:
        return int(seed)
    return int(torch.randint(2**62, (), generator=generator, device=generator.device))


@contextmanager
def lend(model, allow_train_mode: bool = False):
    """Lend ``model`` out with frozen parameters; take it back bit-identical, also when the borrower raises.

    Modes, hooks, attributes, ``requires_grad``, ``.grad`` and buffers of every module are put back as they were.
    A network with any part in train mode is refused: dropout makes maps random, and BatchNorm mixes the images of a
    batch and updates its statistics. ``allow_train_mode=True`` lets it pass, for those who study just that. A plain
    function is lent as it is: what it hides cannot be seen from here.
    """
    if not isinstance(model, nn.Module):
        yield model
        return
    training = [name or "the model itself" for name, module in model.named_modules() if module.training]
    if training and not allow_train_mode:
        raise ValueError(f"model must be in eval mode, got train mode in {training[0]}; call model.eval() first.")
    before = [_snapshot(module) for module in model.modules()]
    wants = [(parameter, parameter.requires_grad, parameter.grad) for parameter in model.parameters()]
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()] if training else []
    try:
        yield model.requires_grad_(False)
    finally:
        for module, attributes in before:
            _restore(module, attributes)
        for parameter, want, grad in wants:
            parameter.requires_grad_(want)
            parameter.grad = grad
        for buffer, value in buffers:
            buffer.copy_(value)


def _snapshot(module: nn.Module):
    """A module with its attributes; dictionaries (hooks, parameters, children) with their content."""
    return module, {k: (v, v.copy() if isinstance(v, dict) else None) for k, v in vars(module).items()}


def _restore(module: nn.Module, attributes) -> None:
    vars(module).clear()
    for key, (value, content) in attributes.items():
        vars(module)[key] = value
        if content is not None:  # the same dictionary object: hook handles of the owner point at it
            value.clear()
            value.update(content)
