"""The networks this project trains itself, as plain modules.

Each takes pixels (or spectrogram values) as the data set gives them and normalises inside: ``mean`` and
``std`` are buffers, saved with the weights. ReLUs are modules of their own, one for each place and never
in-place, and layers stand in the order they run in, because hook-based explanation methods (guided
backpropagation, DeepLIFT, LRP) read both.
"""

import torch
import torch.nn.functional as F
from torch import nn


class Normalised(nn.Module):
    """Base of the networks: ``(x - mean) / std`` by channel, before anything else.

    ``mean``, ``std``  buffers (C,), in the unit of the inputs; 0 and 1 until training has set them
    """

    def __init__(self, channels):
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("std", torch.ones(channels))

    def normalise(self, x):
        return (x - self.mean[:, None, None]) / self.std[:, None, None]


class Stacked(Normalised):
    """A convolutional part, then a fully connected one: logits (N, K) of inputs (N, C, H, W).

    ``grid``  height and width of the last feature map; inputs of another size are averaged to it
    """

    def __init__(self, channels, features, classifier, grid):
        super().__init__(channels)
        self.grid = grid
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Flatten(), *classifier)
        self.apply(he_initialise)

    def forward(self, x):
        x = self.features(self.normalise(x))
        if tuple(x.shape[2:]) != self.grid:
            x = F.adaptive_avg_pool2d(x, self.grid)
        return self.classifier(x)


def he_initialise(module):
    """He's normal initialisation with zero biases (thesis, section 7.1.3), fan_in."""
    if isinstance(module, (nn.Conv2d, nn.Conv1d, nn.Linear)):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def convolution(inputs, outputs, stride=1, *, batchnorm=True):
    """Convolution 3x3 that keeps the resolution (at stride 1), BatchNorm, ReLU."""
    normalised = [nn.BatchNorm2d(outputs)] if batchnorm else []
    return [nn.Conv2d(inputs, outputs, 3, stride, padding=1), *normalised, nn.ReLU()]


def dense(inputs, outputs, dropout, *, batchnorm=True):
    """Fully connected layer, BatchNorm, ReLU, dropout."""
    normalised = [nn.BatchNorm1d(outputs)] if batchnorm else []
    return [nn.Linear(inputs, outputs), *normalised, nn.ReLU(), nn.Dropout(dropout)]


def vgg(
    stacks, dense_widths, n_classes, size, *, channels=3, dropout_conv=0.25, dropout_dense=0.5, batchnorm=True
):
    """A VGG: stacks of 3x3 convolutions, each closed by 2x2 max-pooling and dropout; dense layers; logits.

    ``stacks``     output channels of the convolutions, a tuple for each stack, for example ((64, 64), (128,
                   128))
    ``size``       height and width of the inputs
    ``batchnorm``  False leaves BatchNorm out, everywhere
    """
    features, width = [], channels
    for stack in stacks:
        for outputs in stack:
            features += convolution(width, outputs, batchnorm=batchnorm)
            width = outputs
        features += [nn.MaxPool2d(2), nn.Dropout(dropout_conv)]
    side = size // 2 ** len(stacks)
    classifier, inputs = [], width * side**2
    for outputs in dense_widths:
        classifier += dense(inputs, outputs, dropout_dense, batchnorm=batchnorm)
        inputs = outputs
    return Stacked(channels, features, [*classifier, nn.Linear(inputs, n_classes)], (side, side))


def thesis_vgg(width=1.0, n_classes=200, *, size=64, **options):
    """The modified VGG-16 of the thesis (Table 7.1, right) for 64x64 pictures; no softmax.

    ``width``    scales every layer but the last: 1 gives 29.0 million parameters, 0.5 (the one committed) 7.4
                 million
    ``size``     height and width of the pictures, a multiple of 16
    ``options``  of :func:`vgg`: ``dropout_conv``, ``dropout_dense``, ``batchnorm``

    Readings  Dropout 0.25 "on convolutional layers" stands after each pooling, dropout 0.5 after each dense
              ReLU: the thesis does not say where.
    """
    scaled = [
        tuple(round(n * width) for n in stack) for stack in ((64, 64), (128, 128), (256,) * 3, (512,) * 3)
    ]
    return vgg(scaled, [round(2048 * width)] * 2, n_classes, size, **options)


def small_vgg(n_classes=10):
    """A VGG of six convolutions for 32x32 pictures, 0.6 million parameters."""
    return vgg(
        ((32, 32), (64, 64), (128, 128)), [128], n_classes, size=32, dropout_conv=0.1, dropout_dense=0.25
    )


def cifar_alexnet(n_classes=10):
    """AlexNet's five convolutions and three dense layers, scaled to 32x32 pictures: 3x3 filters, no
    BatchNorm.

    Channels 64, 192, 384, 256, 256 as in Krizhevsky's one-column network (2014), pooling after the first,
    second and fifth.
    """
    features, width = [], 3
    for outputs, pooled in ((64, True), (192, True), (384, False), (256, False), (256, True)):
        features += [nn.Conv2d(width, outputs, 3, padding=1), nn.ReLU()] + [nn.MaxPool2d(2)] * pooled
        width = outputs
    classifier = []
    for inputs, outputs in ((256 * 4 * 4, 512), (512, 512)):
        classifier += [nn.Dropout(0.5), nn.Linear(inputs, outputs), nn.ReLU()]
    return Stacked(3, features, [*classifier, nn.Linear(512, n_classes)], (4, 4))


class Residual(nn.Module):
    """``relu(x + f(x))``, f two 3x3 convolutions with BatchNorm; a 1x1 convolution brings x to f's shape
    where it differs."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        *second, _ = convolution(outputs, outputs)
        self.body = nn.Sequential(*convolution(inputs, outputs, stride), *second)
        same = stride == 1 and inputs == outputs
        fitting = [] if same else [nn.Conv2d(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)]
        self.shortcut = nn.Sequential(*fitting)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.body(x) + self.shortcut(x))


class ResNet20(Normalised):
    """The 20-layer residual network for 32x32 pictures (He et al. 2016, section 4.2): 16, 32 and 64 channels,
    three blocks each.

    Deviation  Shortcuts between stages are 1x1 convolutions (the paper's option B; its CIFAR networks pad
               with zeros).
    """

    def __init__(self, n_classes=10):
        super().__init__(3)
        self.stem = nn.Sequential(*convolution(3, 16))
        widths, strides = [16] * 4 + [32] * 3 + [64] * 3, [1, 1, 1, 2, 1, 1, 2, 1, 1]
        shapes = zip(widths, widths[1:], strides, strict=False)
        self.blocks = nn.Sequential(*(Residual(*shape) for shape in shapes))
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, n_classes))
        self.apply(he_initialise)

    def forward(self, x):
        return self.head(self.blocks(self.stem(self.normalise(x))))


def lenet(n_classes=12, size=(128, 64)):
    """LeNet-5 for spectrograms (N, 1, 128, 64): 6 and 16 filters of 5x5, max-pooling, dense layers of 120 and
    84."""
    features = [
        nn.Conv2d(1, 6, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
    ]
    grid = tuple(((side - 4) // 2 - 4) // 2 for side in size)
    classifier = [
        nn.Linear(16 * grid[0] * grid[1], 120),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, n_classes),
    ]
    return Stacked(1, features, classifier, grid)


class SentenceCNN(nn.Module):
    """Convolutions of several widths over word vectors, the maximum over time of each, dropout, logits (Kim
    2014).

    Takes word numbers (N, L) or, to be explained, the word vectors (N, L, D) that ``embed`` gives for them.
    Number 0 is padding and 1 an unknown word. Each filter sees zero vectors on either side of a sentence, so
    that further padding changes nothing.
    """

    def __init__(
        self, n_words=8000, dimension=100, widths=(3, 4, 5), n_filters=100, n_classes=2, dropout=0.5
    ):
        super().__init__()
        self.embedding = nn.Embedding(n_words, dimension, padding_idx=0)
        nn.init.normal_(self.embedding.weight[1:], std=0.1)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(dimension, n_filters, width, padding=width) for width in widths
        )
        self.relus = nn.ModuleList(nn.ReLU() for _ in widths)
        self.pool = nn.ModuleList(nn.AdaptiveMaxPool1d(1) for _ in widths)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(n_filters * len(widths), n_classes)

    def embed(self, numbers):
        """Word vectors (N, L, D) of word numbers (N, L)."""
        return self.embedding(numbers)

    def forward(self, x):
        vectors = x if x.is_floating_point() else self.embed(x)
        along_time = vectors.transpose(1, 2)  # (N, D, L)
        branches = zip(self.convolutions, self.relus, self.pool, strict=True)
        highest = [pool(relu(convolution(along_time))).flatten(1) for convolution, relu, pool in branches]
        return self.output(self.dropout(torch.cat(highest, 1)))
