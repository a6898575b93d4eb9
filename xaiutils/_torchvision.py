"""torchvision, also where its compiled operators do not load: ``from xaiutils._torchvision import torchvision``.

The torchvision of the package index is built against a CUDA build of torch. Beside a CPU build its compiled operators
do not load, and its import stops with "operator torchvision::nms does not exist", because it describes two of them to
torch's tracer. Giving torch those two names, without an implementation, is enough for models, transforms and data
sets; non-maximum suppression itself, which nothing here uses, stays unavailable. Where the operators load, nothing is
registered.
"""

import torch

try:
    import torchvision
except RuntimeError as error:
    if "torchvision::nms" not in str(error):
        raise
    OPERATORS = torch.library.Library("torchvision", "DEF")  # kept for the life of the process: its names die with it
    for name in ("nms", "qnms"):
        OPERATORS.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision

__all__ = ["torchvision"]
