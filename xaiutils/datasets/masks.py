"""Where the labelled object stands in the 20 embedded photographs: coarse masks, drawn by hand.

>>> file, label = datasets.photograph_files()[0]                        # doctest: +SKIP
>>> mask = datasets.object_mask(file)                                   # doctest: +SKIP

They lie in ``data/masks`` as pictures of 224x224, true where the object is; every instance of it counts. Their borders
are good to a few pixels, which is enough to ask how much of a map lies on the object.
"""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from xaiutils.datasets.images import check_size

FOLDER = Path(__file__).resolve().parents[2] / "data" / "masks"


def object_mask(file, size=224):
    """The mask (size, size), boolean, of one of the files of ``photograph_files()``; True = object."""
    check_size(size)
    path = FOLDER / f"{Path(file).stem}.png"
    if not path.is_file():
        raise ValueError(f"file must be one of photograph_files(), got {Path(file).name!r}, which has no mask.")
    with Image.open(path) as picture:
        return torch.from_numpy(np.asarray(picture.convert("L").resize((size, size), Image.Resampling.NEAREST)) > 127)
