"""Occlusion."""

from itertools import product

import torch
from torch import Tensor

from xaiutils.core import resolve_seed
from xaiutils.methods.base import Attribution
from xaiutils.methods.baselines import resolve_baselines

PARTS = 8  # of height and width that a window covers one


class Occlusion(Attribution):
    r"""How much the score falls when a window of the input is covered, averaged over the windows that cover an entry.

    .. math:: A_e = \frac{1}{|\{w \ni e\}|} \sum_{w \ni e} \left( f_t(x) - f_t(x_{\bar w}) \right)

    ``x_w``      the input with ``baselines`` inside the window w: 0, as in Captum; the paper's is grey, 0.5
    ``sliding_window_shapes``  sides of the window, one a dimension of an input, as in Captum. Default: all channels,
                 an eighth of height and width, 28 pixels at 224: our choice, small beside an object and large beside
                 its texture. Of tokens (L, D) one with all its entries, of features one
    ``strides``  from window to window, one number or one a dimension. Default: half the window, so that each inner
                 pixel is covered four times; windows that reach over the border are cut off

    Limit cases   A linear score and windows side by side give each window the sum of w (x - x') over it, which is then
                  the window's Shapley value. A window over everything gives f_t(x) - f_t(x').
    Deviations    Captum's stride is 1 where none is given, 38809 passes for the default window of a photograph.
    Cost          one forward pass and one for each window, 225 for a photograph.
    Source        Zeiler, Fergus: Visualizing and Understanding Convolutional Networks, ECCV 2014, section 4.2; thesis,
                  chapter 4.
    """

    def attribute(self, inputs, sliding_window_shapes=None, strides=None, baselines=None, target=None,
                  additional_forward_args=None, *, internal_batch_size=None, seed=0, generator=None,
                  return_convergence_delta=False):
        with self.session(inputs, target, additional_forward_args, internal_batch_size,
                          return_convergence_delta) as session:
            covers = windows(session.inputs.shape[1:], sliding_window_shapes, strides)
            covered = resolve_baselines(baselines, session.inputs, resolve_seed(seed, generator))
            return torch.stack([self._one(session, image, covered[image], covers) for image in range(len(inputs))])

    @staticmethod
    def _one(session, image, covered, covers):
        """The attributions of one image; ``covers`` are windows as slices."""
        engine, x, target = session.engine, session.inputs[image], session.target[image]
        change, times = torch.zeros_like(x), torch.zeros_like(x)
        score = engine.scores(x[None], torch.tensor([image], device=x.device))[0, target]
        size = engine.batch_size(x[None])
        for some in (covers[k:k + size] for k in range(0, len(covers), size)):
            rows = x.repeat(len(some), *[1] * x.dim())                       # (R, C, H, W)
            for row, window in zip(rows, some):
                row[window] = covered[window]
            images = torch.full((len(rows),), image, device=x.device)
            for window, fall in zip(some, score - engine.scores(rows, images)[:, target]):
                change[window] += fall
                times[window] += 1
        return torch.where(times > 0, change / times.clamp(min=1), 0.0)


def windows(shape, sides=None, strides=None) -> list[tuple[slice, ...]]:
    """Every window of an input of ``shape``, as slices; the last of each dimension reaches its end."""
    sides = _sides(shape, sides)
    strides = [-(-side // 2) for side in sides] if strides is None else strides
    strides = [strides] * len(shape) if isinstance(strides, int) else list(strides)
    if len(strides) != len(shape) or any(not 1 <= s <= side for s, side in zip(strides, sides)):
        raise ValueError(f"strides must be one number or {len(shape)}, from 1 to the window's side {tuple(sides)}, "
                         f"so that nothing stays uncovered, got {strides}.")
    starts = [range(0, -(-max(0, length - side) // stride) * stride + 1, stride)
              for length, side, stride in zip(shape, sides, strides)]
    return [tuple(slice(start, start + side) for start, side in zip(corner, sides)) for corner in product(*starts)]


def _sides(shape, sides):
    if sides is None:
        last = [max(1, length // PARTS) for length in shape[1:]]
        return [shape[0], *last] if len(shape) == 3 else [1, *shape[1:]]
    if len(sides) != len(shape) or any(not 1 <= side <= length for side, length in zip(sides, shape)):
        raise ValueError(f"sliding_window_shapes must be {len(shape)} sides within an input's {tuple(shape)}, "
                         f"got {tuple(sides)}.")
    return list(sides)
