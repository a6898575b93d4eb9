import torch

from xaiutils.models.pictures import pictures, split_by_class


def test_the_last_of_each_class_are_cut_off():
    labels = torch.tensor([0, 1, 0, 1, 1, 0])
    (inputs, rest), (last, held_out) = split_by_class(torch.arange(6), labels, last=1)
    assert inputs.tolist() == [0, 1, 2, 3] and last.tolist() == [4, 5]
    assert rest.tolist() == [0, 1, 0, 1] and held_out.tolist() == [1, 0]


def test_without_a_generator_pictures_only_change_their_layout():
    pixels = torch.arange(2 * 4 * 5 * 3, dtype=torch.uint8).reshape(2, 4, 5, 3)
    x = pictures(pixels)
    assert x.shape == (2, 3, 4, 5)
    assert (x[1, 2, 3, 4] * 255).item() == pixels[1, 3, 4, 2]


def test_augmentation_shows_every_shift_and_both_mirrorings_and_nothing_else():
    """A picture of distinct levels; padding 1 gives 9 places times 2 mirrorings."""
    picture = torch.arange(1, 13, dtype=torch.uint8).reshape(3, 4)
    padded = torch.nn.functional.pad(picture, (1, 1, 1, 1))
    crops = [padded[r : r + 3, c : c + 4] for r in range(3) for c in range(3)]
    expected = {tuple(crop.flatten().tolist()) for crop in crops} | {
        tuple(crop.flip(1).flatten().tolist()) for crop in crops
    }
    batch = picture[None, :, :, None].expand(600, 3, 4, 3)
    drawn = pictures(batch, torch.Generator().manual_seed(0), padding=1)
    assert torch.equal(drawn[:, 0], drawn[:, 1])
    assert {tuple((x * 255).round().flatten().int().tolist()) for x in drawn[:, 0]} == expected


def test_augmentation_is_drawn_from_its_generator():
    pixels = torch.randint(255, (8, 6, 6, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    draws = [pictures(pixels, torch.Generator().manual_seed(seed)) for seed in (5, 5, 6)]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])
