import numpy as np
import pytest
import torch

from xaiutils.plots.pictures import as_array, by_title, heat_maps, photographs

IMAGES = np.zeros((1, 2, 3, 3))                                       # one image of 2 x 3 pixels, colours last


def test_arrays_come_from_tensors_that_require_gradients_and_from_lists():
    array = as_array(torch.tensor([0.5, 2.0], requires_grad=True), "x")
    assert array.dtype == np.float64 and array.tolist() == [0.5, 2.0]
    assert as_array([[1, 2]], "x").tolist() == [[1.0, 2.0]]
    with pytest.raises(ValueError, match="x must be finite and not empty, got 0 NaN or infinite of 0 values"):
        as_array([], "x")


def test_colours_come_last_and_grey_has_three():
    image = torch.arange(12.0).view(3, 2, 2) / 11
    assert photographs(image)[0, 1, 0].tolist() == pytest.approx([2 / 11, 6 / 11, 10 / 11])
    assert photographs(image[:1])[0, 1, 0].tolist() == pytest.approx([2 / 11] * 3)


def test_rounding_outside_the_pixel_range_is_cut_off():
    assert photographs(torch.full((1, 1, 1), 1 + 1e-7)).max() == 1


@pytest.mark.parametrize("shape", [(2, 3), (1, 2, 3), (5, 2, 3), (1, 5, 2, 3)])
def test_maps_of_one_image_in_every_shape(shape):
    attributions = np.arange(np.prod(shape, dtype=float)).reshape(shape)
    expected = attributions.reshape(-1, 2, 3).mean(0)
    np.testing.assert_array_equal(heat_maps(attributions, "AGI", IMAGES), expected[None])


def test_titles_of_lists_and_single_maps():
    assert by_title({"AGI": 1}) == {"AGI": 1}
    assert by_title([1, 2], ["a", "b"]) == {"a": 1, "b": 2}
    assert by_title("one map", "a") == {"a": "one map"}
    assert by_title([1, 2]) == {"map 1": 1, "map 2": 2}
