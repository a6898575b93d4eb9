"""A network that learns in a second: three clouds of points drawn as 4x4 pictures."""

import torch
from torch import nn

from xaiutils.models.architectures import Normalised
from xaiutils.models.recipes import Recipe, Splits


class Toy(Normalised):
    def __init__(self):
        super().__init__(1)
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(16, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.3), nn.Linear(12, 3)
        )

    def forward(self, x):
        return self.layers(self.normalise(x))


def clouds(n, seed):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(3, (n,), generator=generator)
    centres = torch.randn(3, 1, 4, 4, generator=torch.Generator().manual_seed(7))
    return centres[labels] + torch.randn(n, 1, 4, 4, generator=generator), labels


def jittered(x, generator=None):
    return x if generator is None else x + 0.1 * torch.randn(x.shape, generator=generator)


RECIPE = Recipe(
    network=Toy,
    input_shape=(1, 4, 4),
    data=lambda root=None: Splits(
        clouds(300, 0), clouds(60, 1), {"test set": clouds(90, 2)}, ["a", "b", "c"], {"note": [1, 2]}
    ),
    prepare=jittered,
    epochs=4,
    peak_rate=0.05,
    batch_size=32,
    card={"data": "clouds", "split": "300 drawn points", "licence": "none", "source": "a toy"},
)
