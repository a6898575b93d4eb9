"""The insertion and deletion games of several methods as one table: a row for each image and method."""

import pandas as pd
import torch.nn.functional as F

from xaiutils.core import check_inputs, lend, reduce_channels
from xaiutils.engine import Engine
from xaiutils.metrics.insertion_deletion import GAMES, auc, deletion_curve, insertion_curve

CURVES = {"insertion": insertion_curve, "deletion": deletion_curve}


def games(model, inputs, attributions, target="pred", *, played=GAMES, block=1, area="trapezoid", **settings):
    """Area under the insertion and the deletion curve of every image under every method. -> DataFrame

    Columns: ``image`` (0 ... N - 1), ``method``, and an area for each game in ``played``; insertion: higher is better,
    deletion: lower is better. The rows of an image stand together, methods in the order given, ready to be paired.

    ``attributions``  {method: (N, C, H, W) or (N, H, W)}
    ``block``         play whole squares of ``block`` x ``block`` pixels, in the order of their mean attribution; 1 plays
                      single pixels. Then ``step`` has to be a multiple of the ``block * block`` pixels of a square
    ``area``          rule of :func:`xaiutils.metrics.auc`: ``"trapezoid"``, or ``"mean"`` as AGI's evaluator has it
    ``settings``      of :func:`insertion_curve`: ``step``, ``substrate``, ``ranking``, ``output``, ``internal_batch_size``
    """
    if not isinstance(attributions, dict) or not attributions:
        raise TypeError(f"attributions must be a mapping method -> maps, got {type(attributions).__name__}.")
    if unknown := set(played) - set(GAMES):
        raise ValueError(f"played must be among {', '.join(GAMES)}, got {', '.join(sorted(unknown))}.")
    if settings.get("step", 224) % block ** 2:
        raise ValueError(f"step must be a multiple of {block ** 2}, the pixels of a block, got {settings.get('step', 224)}.")
    check_inputs(inputs)
    with lend(model):
        target = Engine(model).target(inputs, target).tolist()
    columns = []
    for method, maps in attributions.items():
        maps = maps if block == 1 else blockwise(maps, block)
        areas = {game: auc(CURVES[game](model, inputs, maps, target, **settings), area).tolist() for game in played}
        columns.append(pd.DataFrame({"image": range(len(inputs)), "method": method, **areas}))
    return pd.concat(columns).sort_values("image", kind="stable", ignore_index=True)


def blockwise(attributions, size):
    """Every pixel takes the mean attribution of its square of ``size`` x ``size`` pixels and of the channels. -> (N, H, W)

    H and W have to be multiples of ``size``.
    """
    check_inputs(attributions, "attributions")
    heatmap = reduce_channels(attributions, "mean") if attributions.dim() == 4 else attributions
    if heatmap.dim() != 3 or heatmap.shape[1] % size or heatmap.shape[2] % size:
        raise ValueError(f"attributions must be (N, H, W) or (N, C, H, W) with H and W multiples of {size}, "
                         f"got shape {tuple(attributions.shape)}.")
    means = F.avg_pool2d(heatmap[:, None], size)[:, 0]
    return means.repeat_interleave(size, 1).repeat_interleave(size, 2)
