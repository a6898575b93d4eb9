import numpy as np
import pytest
import torch
from PIL import Image

from xaiutils.datasets import read_image, read_images

RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture
def save(tmp_path):
    def save(picture, name="picture.png", **options):
        picture.save(tmp_path / name, **options)
        return tmp_path / name

    return save


def halves(width=8, height=8):
    """Left half red, right half blue."""
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(BLUE, (width // 2, 0, width, height))
    return picture


def test_a_picture_of_the_wanted_size_is_its_pixels_over_255(save):
    values = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    image = read_image(save(Image.fromarray(values)), size=8)
    assert image.shape == (1, 3, 8, 8) and image.dtype == torch.float32
    assert torch.equal(image[0], torch.from_numpy(values).permute(2, 0, 1) / 255)


def test_the_middle_of_a_wide_or_a_tall_picture_is_kept(save):
    wide = Image.new("RGB", (16, 4), RED)  # the middle 4 columns of 16 are blue
    wide.paste(BLUE, (6, 0, 10, 4))
    blue = torch.tensor([0.0, 0.0, 1.0])[None, :, None, None].expand(1, 3, 4, 4)
    assert torch.equal(read_image(save(wide), 4), blue)
    assert torch.equal(read_image(save(wide.transpose(Image.Transpose.ROTATE_90)), 4), blue)


def test_the_shorter_side_sets_the_scale(save):
    image = read_image(save(halves(16, 8)), size=4)  # becomes 8x4; columns 2 ... 5 are cut out: still half and half
    assert image[0, :, 0, 0].tolist() == [1, 0, 0] and image[0, :, 0, -1].tolist() == [0, 0, 1]


def test_the_orientation_mark_of_a_camera_is_obeyed(save):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise: left comes to the top
    image = read_image(save(halves(), exif=exif), 8)
    assert image[0, :, 0, 0].tolist() == [1, 0, 0] and image[0, :, 0, -1].tolist() == [1, 0, 0]
    assert image[0, :, -1, 0].tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("picture", "colour"),
    [
        (Image.new("L", (4, 4), 51), [0.2, 0.2, 0.2]),
        (Image.new("1", (4, 4), 1), [1, 1, 1]),
        (Image.new("RGBA", (4, 4), (255, 0, 0, 255)), [1, 0, 0]),
        (Image.new("RGBA", (4, 4), (255, 0, 0, 0)), [1, 1, 1]),  # transparent: the white behind is seen
        (Image.new("LA", (4, 4), (0, 51)), [0.8, 0.8, 0.8]),  # a fifth black
        (Image.new("RGB", (4, 4), BLUE).quantize(2), [0, 0, 1]),
        (Image.fromarray(np.full((4, 4), 51 * 257, dtype=np.uint16)), [0.2, 0.2, 0.2]),
    ],
    ids=["grey", "black and white", "opaque", "transparent", "grey half transparent", "palette", "16 bits"],
)
def test_every_kind_of_picture_becomes_colour(save, picture, colour):
    image = read_image(save(picture), 4)
    expected = torch.tensor(colour, dtype=torch.float32)[None, :, None, None].expand(1, 3, 4, 4)
    torch.testing.assert_close(image, expected)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.png"):
        read_image(tmp_path / "nothing.png")


@pytest.mark.parametrize("size", [0, -1, 2.5, True, None])
def test_a_size_that_is_no_size_is_refused(save, size):
    with pytest.raises(ValueError, match="size must be a positive integer"):
        read_image(save(halves()), size)


def test_broken_files_are_named_and_the_rest_goes_on(save, tmp_path):
    good = save(halves())
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    whole = save(Image.fromarray(noise), "whole.jpg").read_bytes()
    for name, content in [("cut.jpg", whole[: len(whole) // 2]), ("text.jpg", b"not an image"), ("empty.png", b"")]:
        (tmp_path / name).write_bytes(content)
    names = ["cut.jpg", "picture.png", "text.jpg", "empty.png", "missing.png"]
    expected = "4 of 5 images were skipped.*cut.jpg.*text.jpg.*empty.png.*missing.png"
    with pytest.warns(UserWarning, match=expected) as caught:
        images = read_images([(tmp_path / name, label) for label, name in enumerate(names)], 8)
    assert len(caught) == 1
    assert images.names == ["picture.png"] and images.labels == [1]
    assert torch.equal(images.inputs, read_image(good, 8))
    reasons = dict(images.skipped)
    assert list(reasons) == ["cut.jpg", "text.jpg", "empty.png", "missing.png"]
    assert "truncated" in reasons["cut.jpg"] and "there is no file" in reasons["missing.png"]


def test_no_readable_image_at_all_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="files must hold a readable image, got 1, none of which is"):
        read_images([(tmp_path / "missing.png", 0)])
