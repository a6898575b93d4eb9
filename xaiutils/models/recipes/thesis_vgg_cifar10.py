"""The thesis' modified VGG-16, all thirteen layers at quarter width, on CIFAR-10.

Its sanity checks randomize layer by layer, so they want that depth. On 32x32 pictures such a network learns
in half an hour what takes the one on Tiny ImageNet most of a day.
"""

from functools import partial

from xaiutils.models.architectures import thesis_vgg
from xaiutils.models.pictures import pictures
from xaiutils.models.recipes import Recipe
from xaiutils.models.recipes.cifar import CARD, data

RECIPE = Recipe(
    network=partial(thesis_vgg, width=0.25, n_classes=10, size=32),
    input_shape=(3, 32, 32),
    data=data,
    prepare=pictures,
    epochs=18,
    peak_rate=0.1,
    dropout_ramp=1.0,  # as for Tiny ImageNet
    card=CARD | {"source": "thesis, Table 7.1 (right), every layer but the last at a quarter of its width"},
)
