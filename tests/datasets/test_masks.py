"""Masks of the embedded photographs: one each, on the object and not beside it."""

import pytest

from xaiutils import datasets

FILES = [file for file, _ in datasets.photograph_files()]


def test_every_photograph_has_a_mask_that_leaves_something_out():
    shares = [datasets.object_mask(file).double().mean().item() for file in FILES]
    assert 0.02 < min(shares) and max(shares) < 0.7


@pytest.mark.parametrize("number, inside, outside", [
    (0, (112, 108), (20, 200)),    # the dog's nose; grass
    (4, (37, 111), (150, 200)),    # a strawberry; the board
    (11, (120, 150), (20, 112)),   # the shoe; white above it
    (19, (120, 100), (20, 20)),    # the beetle; stone
])
def test_masks_are_where_the_object_is(number, inside, outside):
    mask = datasets.object_mask(FILES[number])
    assert mask[inside] and not mask[outside]


def test_a_mask_of_another_size_is_the_same_picture():
    whole, half = (datasets.object_mask(FILES[6], size).double() for size in (224, 112))
    assert (half.repeat_interleave(2, 0).repeat_interleave(2, 1) != whole).double().mean() < 0.02


def test_what_has_no_mask_is_refused():
    with pytest.raises(ValueError, match="file must be one of photograph_files\\(\\), got 'cat.jpg'"):
        datasets.object_mask("elsewhere/cat.jpg")
    with pytest.raises(ValueError, match="size must be a positive integer"):
        datasets.object_mask(FILES[0], 0)
