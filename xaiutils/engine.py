"""One way to get class scores and their input gradients for many rows, whatever the rows are.

A row is one point at which the network is asked: an image, an image at a step of a path, a noisy copy. Rows of all
images, classes and steps go through in batches of ``internal_batch_size``, so memory is bounded and the processor is
kept busy. No gradient is ever computed for a parameter.
"""

import math

import torch
from torch import Tensor

from xaiutils.core import resolve_target

OUTPUTS = {
    "logit": lambda logits: logits,
    "prob": lambda logits: logits.softmax(1),
    "logprob": lambda logits: logits.log_softmax(1),
    "double_softmax": lambda logits: logits.softmax(1).softmax(1),
}
FLOATS_PER_BATCH = 8 * 3 * 224 * 224  # 8 photographs: the fastest batch measured on two cores, about 1 GB for ResNet-50
MOST_ROWS = 512


class Engine:
    """Scores and input gradients of ``forward_func``, batched.

    ``forward_func``         a network or function, rows (R, ...) -> logits (R, K); (R,) is taken as one class
    ``output``               what is explained: ``"logit"`` (what the network returns), ``"prob"`` (its softmax),
                             ``"logprob"``, or ``"double_softmax"`` (softmax twice, as AGI's released Table 1 script has it)
    ``internal_batch_size``  rows a pass; the default is as many as make up eight 224x224 photographs, at most 512
    ``additional_forward_args``  passed on after the rows; a tensor with one entry an image follows its image's rows
    ``precision``            ``"float32"`` leaves the numbers as they come; ``"bf16"`` runs the network under bfloat16
                             autocast: a third faster, gradients off by a few per cent, for looking and not for verdicts
    """

    def __init__(self, forward_func, *, output="logit", internal_batch_size=None, additional_forward_args=None,
                 precision="float32"):
        if output not in OUTPUTS:
            raise ValueError(f"output must be one of {', '.join(OUTPUTS)}, got {output!r}.")
        if precision not in ("float32", "bf16"):
            raise ValueError(f'precision must be "float32" or "bf16", got {precision!r}.')
        if internal_batch_size is not None and (int(internal_batch_size) != internal_batch_size or internal_batch_size < 1):
            raise ValueError(f"internal_batch_size must be a positive integer, got {internal_batch_size!r}.")
        extra = additional_forward_args
        self.forward_func, self.output, self.precision = forward_func, output, precision
        self.extra = () if extra is None else extra if isinstance(extra, tuple) else (extra,)
        self.internal_batch_size = internal_batch_size

    def batch_size(self, rows: Tensor) -> int:
        """Rows of this size that go into one pass."""
        if self.internal_batch_size is not None:
            return int(self.internal_batch_size)
        return max(1, min(MOST_ROWS, FLOATS_PER_BATCH // math.prod(rows.shape[1:])))

    def forward(self, rows: Tensor, images: Tensor) -> Tensor:
        """What is explained, (R, K), for rows that belong to ``images`` (R,); one pass, differentiable."""
        extra = [e[images] if isinstance(e, Tensor) and e.dim() and len(e) > 1 else e for e in self.extra]
        with torch.autocast(rows.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            logits = self.forward_func(rows, *extra)
        if not isinstance(logits, Tensor) or logits.dim() > 2 or logits.shape[:1] != rows.shape[:1]:
            got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise ValueError(f"forward_func must return logits of shape ({len(rows)}, K) for {len(rows)} rows, got {got}.")
        logits = logits.to(rows.dtype)
        return OUTPUTS[self.output](logits if logits.dim() == 2 else logits[:, None])

    def scores(self, rows: Tensor, images: Tensor | None = None) -> Tensor:
        """Scores (R, K), without gradients."""
        with torch.no_grad():
            return torch.cat([self.forward(channels_last(r), i) for r, i in self._batches(rows, images)])

    def gradients(self, rows: Tensor, *targets: Tensor, images: Tensor | None = None):
        """Scores (R, K) and, for each of ``targets`` (R,), the gradient of that class' score, shaped like ``rows``.

        One forward pass, and one backward pass a target.
        """
        parts = [self._gradients(r, [t[s] for t in targets], i)
                 for (r, i), s in zip(self._batches(rows, images), self._slices(rows))]
        scores, *gradients = (torch.cat(part) for part in zip(*parts))
        return scores, *gradients

    def target(self, inputs: Tensor, target) -> Tensor:
        """The explained class of each input: see :func:`xaiutils.core.resolve_target`.

        Only ``"pred"`` needs the scores of every input; otherwise one pass tells how many classes there are.
        """
        scores = self.scores(inputs if isinstance(target, str) else inputs[:1])
        return resolve_target(target, scores.expand(len(inputs), -1))

    def _gradients(self, rows, targets, images):
        rows = channels_last(rows.detach()).requires_grad_()
        with torch.enable_grad():
            scores = self.forward(rows, images)
        gradients = []
        for k, target in enumerate(targets, start=1):
            picked = scores.gather(1, target[:, None]).sum()
            gradients += torch.autograd.grad(picked, rows, retain_graph=k < len(targets))
        return scores.detach(), *gradients

    def _slices(self, rows):
        size = self.batch_size(rows)
        return [slice(k, k + size) for k in range(0, len(rows), size)]

    def _batches(self, rows, images):
        images = torch.arange(len(rows), device=rows.device) if images is None else images
        return [(rows[s], images[s]) for s in self._slices(rows)]


def channels_last(rows: Tensor) -> Tensor:
    """Images (R, C, H, W) in the memory order convolutions are fastest in; anything else as it is."""
    return rows.contiguous(memory_format=torch.channels_last) if rows.dim() == 4 else rows
