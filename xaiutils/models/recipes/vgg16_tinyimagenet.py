"""The thesis' modified VGG-16 at half width on Tiny ImageNet, all 200 classes."""

from functools import partial

from xaiutils.datasets import tiny_imagenet
from xaiutils.models.architectures import thesis_vgg
from xaiutils.models.pictures import pictures, split_by_class
from xaiutils.models.recipes import Recipe, Splits


def data(root=None):
    """400 training pictures a class as in the thesis, the next 20 held out, the official validation set as
    test set."""
    images, test = tiny_imagenet.read("train", root, per_class=420), tiny_imagenet.read("val", root)
    train, held_out = split_by_class(images.pixels, images.labels, last=20)
    return Splits(train, held_out, {"test set": (test.pixels, test.labels)}, images.class_names)


RECIPE = Recipe(
    network=partial(thesis_vgg, width=0.5),
    input_shape=(3, 64, 64),
    data=data,
    prepare=partial(pictures, padding=4),
    epochs=18,
    sizes=((0.25, 32), (0.5, 48)),  # a third less to compute
    peak_rate=0.05,
    dropout_ramp=1.0,  # with full dropout from the start it hardly learns in so few epochs
    label_smoothing=0.1,
    card={
        "data": "Tiny ImageNet, 200 classes of 64x64 photographs",
        "split": "training pictures 0 to 399 of each class to learn from, 400 to 419 held out to choose the epoch, the official "
        "validation set (10,000) as test set",
        "licence": "photographs of ImageNet, for non-commercial research and teaching; none of them is stored here",
        "source": "thesis, Table 7.1 (right), every layer but the last at half width",
    },
)
