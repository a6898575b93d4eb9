"""Reading pictures of any size and kind into one batch, and going on where one of them is broken."""

import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps


@dataclass
class Images:
    """A batch of pictures with what is known about them.

    ``inputs``   (N, 3, H, W) float32 pixels in [0, 1]
    ``labels``   N class indices; None where no class of ImageNet is meant
    ``names``    N file names
    ``skipped``  (name, reason) of each file that could not be read and is not among the N
    """

    inputs: torch.Tensor
    labels: list
    names: list
    skipped: list = field(default_factory=list)

    def __len__(self):
        return len(self.names)


def read_image(path, size=224):
    """The picture in the file ``path`` as a batch of one, (1, 3, size, size) in [0, 1], upright and in colour.

    The shorter side is brought to ``size`` by PIL's bicubic filter and the middle is cut out, so nothing is squeezed;
    a square picture is only resized. The camera's orientation mark (EXIF) is obeyed; grey pictures get three equal
    channels, 16 bits become 8, palettes become colours, and what is transparent lies on white.

    Errors  FileNotFoundError for no such file, ValueError for one that is no picture or is cut off.
    """
    check_size(size)
    if not Path(path).is_file():
        raise FileNotFoundError(f"path must be an image file, got {str(path)!r}, where there is no file.")
    try:
        with Image.open(path) as picture:
            picture = in_colour(ImageOps.exif_transpose(picture))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # what PIL raises, by file type
        raise ValueError(f"path must be a whole image file, got {str(path)!r}: {error}") from error
    pixels = np.asarray(centre_square(picture, size), dtype=np.float32) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()


def check_size(size):
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise ValueError(f"size must be a positive integer, got {size!r}.")


def in_colour(picture):
    """``picture`` in mode RGB, from any mode PIL reads."""
    if picture.mode.startswith("I"):  # 16 bits a pixel
        picture = Image.fromarray((np.asarray(picture) // 257).astype(np.uint8))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return picture.convert("RGB")


def centre_square(picture, size):
    """The middle ``size`` x ``size`` pixels of ``picture`` with its shorter side resized to ``size``."""
    scale = size / min(picture.size)
    width, height = (max(size, round(side * scale)) for side in picture.size)
    left, top = (width - size) // 2, (height - size) // 2
    return picture.resize((width, height), Image.Resampling.BICUBIC).crop((left, top, left + size, top + size))


def read_images(files, size=224):
    """``Images`` from ``files``, pairs (path, label); what cannot be read is skipped and named in one warning.

    Error  ValueError if none of them can be read.
    """
    check_size(size)
    read, skipped = [], []
    for path, label in files:
        name = Path(path).name
        try:
            read.append((read_image(path, size), label, name))
        except (FileNotFoundError, ValueError) as error:
            skipped.append((name, str(error)))
    if not read:
        raise ValueError(f"files must hold a readable image, got {len(skipped)}, none of which is: {skipped[:3]}.")
    if skipped:
        warnings.warn(f"{len(skipped)} of {len(read) + len(skipped)} images were skipped: {skipped}", stacklevel=2)
    inputs, labels, names = zip(*read)
    return Images(torch.cat(inputs), list(labels), list(names), skipped)
