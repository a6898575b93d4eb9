"""Pieces of the embedded photographs: where they come from, and that the parts share no pixel."""

import pytest
import torch

from xaiutils.datasets import crops, photographs


def test_every_piece_lies_in_its_part_of_its_photograph():
    whole = (photographs(2, 64).inputs.permute(0, 2, 3, 1) * 255).round().byte()
    for part, (low, high) in {"train": (0, 32), "held out": (32, 48), "test": (48, 64)}.items():
        made = crops.photograph_crops(part, 2, 5, size=16, side=64, seed=3)
        assert made.pixels.shape == (10, 16, 16, 3) and made.labels.tolist() == [0] * 5 + [1] * 5
        windows = whole[:, :, low:high].unfold(1, 16, 1).unfold(2, 16, 1)  # (2, 49, places, 3, 16, 16)
        for piece, label in zip(made.pixels, made.labels):
            same = (windows[label] == piece.permute(2, 0, 1)).flatten(2).all(-1)
            assert same.any()


def test_the_seed_draws_the_places():
    first, again, other = (crops.photograph_crops("train", 2, 4, side=128, seed=seed).pixels for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_what_cannot_be_cut_is_refused():
    with pytest.raises(ValueError, match="part must be one of train, held out, test, got 'val'"):
        crops.photograph_crops("val", 2, 4)
    with pytest.raises(ValueError, match="size must be at most 16, the width of this part of a photograph, got 32"):
        crops.photograph_crops("test", 2, 4, side=64)
