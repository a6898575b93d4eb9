"""Pictures with known regions, checked on photographs of which every pixel is known."""

import pytest
import torch

from xaiutils.datasets import in_a_corner, side_by_side

COLUMNS = torch.arange(8.0).expand(1, 1, 4, 8) / 10  # each pixel's value tells its column


def test_side_by_side_shows_the_middle_half_of_each():
    picture, left = side_by_side(COLUMNS, COLUMNS + 1)
    assert torch.equal(picture[0, 0, 0], torch.tensor([2, 3, 4, 5, 12, 13, 14, 15]) / 10)
    assert left.tolist() == [[True] * 4 + [False] * 4] * 4


@pytest.mark.parametrize("corner, row, column", [(0, 0, 0), (1, 0, 4), (2, 2, 0), (3, 2, 4)])
def test_a_corner_holds_the_photograph_at_half_size(corner, row, column):
    picture, mask = in_a_corner(COLUMNS, corner, blur=1)
    held = picture[0, 0, row:row + 2, column:column + 4]
    torch.testing.assert_close(held, torch.tensor([[0.05, 0.25, 0.45, 0.65]] * 2))
    assert mask[row:row + 2, column:column + 4].all() and mask.sum() == 8
    torch.testing.assert_close(picture[0, 0][~mask], torch.full((24,), 0.35))  # one square: the mean colour


def test_nothing_is_written_into_the_photographs():
    photograph = COLUMNS.clone()
    in_a_corner(photograph)
    side_by_side(photograph, photograph)
    assert torch.equal(photograph, COLUMNS)


@pytest.mark.parametrize("call, message", [
    (lambda: side_by_side(COLUMNS, COLUMNS[:, :, :2]), r"have the shape of left, \(1, 1, 4, 8\), got \(1, 1, 2, 8\)"),
    (lambda: side_by_side(COLUMNS[0], COLUMNS[0]), r"left must be \(N, C, H, W\)"),
    (lambda: in_a_corner(COLUMNS[..., :6]), "W one of 4, got shape"),
    (lambda: in_a_corner(COLUMNS, 4), "corner must be 0, 1, 2 or 3, got 4"),
])
def test_what_cannot_be_composed_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
