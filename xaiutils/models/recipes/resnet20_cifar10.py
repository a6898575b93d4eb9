"""ResNet-20 on CIFAR-10 (the small network of the credible-path paper)."""

from xaiutils.models.architectures import ResNet20
from xaiutils.models.pictures import pictures
from xaiutils.models.recipes import Recipe
from xaiutils.models.recipes.cifar import CARD, data

RECIPE = Recipe(
    network=ResNet20,
    input_shape=(3, 32, 32),
    data=data,
    prepare=pictures,
    epochs=24,
    peak_rate=0.15,
    card=CARD | {"source": "He et al. 2016, section 4.2; credible path's small residual network"},
)
