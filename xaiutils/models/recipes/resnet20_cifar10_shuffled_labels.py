"""ResNet-20 that memorised 5,000 CIFAR-10 pictures under shuffled labels (AGI's label randomization)."""

from xaiutils.models.architectures import ResNet20
from xaiutils.models.pictures import unchanged
from xaiutils.models.recipes import Recipe
from xaiutils.models.recipes.cifar import CARD, shuffled

RECIPE = Recipe(
    network=ResNet20,
    input_shape=(3, 32, 32),
    data=shuffled,
    prepare=unchanged,
    epochs=60,
    peak_rate=0.05,
    batch_size=64,
    weight_decay=0.0,
    card=CARD
    | {
        "split": "the last 500 training pictures of each class under shuffled labels; held-out and test set are those same pictures: "
        "the accuracy says how much was memorised, on new pictures it is chance",
        "source": "AGI, label randomization",
    },
)
