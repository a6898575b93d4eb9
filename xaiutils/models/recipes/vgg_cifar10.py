"""A small VGG on CIFAR-10 (the least confident of the credible-path paper's three networks)."""

from xaiutils.models.architectures import small_vgg
from xaiutils.models.pictures import pictures
from xaiutils.models.recipes import Recipe
from xaiutils.models.recipes.cifar import CARD, data

RECIPE = Recipe(
    network=small_vgg,
    input_shape=(3, 32, 32),
    data=data,
    prepare=pictures,
    epochs=15,
    peak_rate=0.1,
    card=CARD | {"source": "VGG's pattern with six convolutions; a third network for the credible path"},
)
