"""AlexNet scaled to CIFAR-10 (the small network of AXAI)."""

from xaiutils.models.architectures import cifar_alexnet
from xaiutils.models.pictures import pictures
from xaiutils.models.recipes import Recipe
from xaiutils.models.recipes.cifar import CARD, data

RECIPE = Recipe(
    network=cifar_alexnet,
    input_shape=(3, 32, 32),
    data=data,
    prepare=pictures,
    epochs=15,
    peak_rate=0.03,
    card=CARD | {"source": "AXAI's small network; Krizhevsky's one-column AlexNet with 3x3 filters"},
)
