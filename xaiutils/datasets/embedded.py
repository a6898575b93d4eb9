"""Photographs that come with installed packages: 20 with an ImageNet label (foolbox), and well-known ones."""

from importlib.util import find_spec
from pathlib import Path

from xaiutils.datasets.images import read_images

# name -> package, file in it, ImageNet class (None where no class names what is seen)
PHOTOGRAPHS = {
    "astronaut": ("skimage", "data/astronaut.png", None),
    "camera": ("skimage", "data/camera.png", None),
    "chelsea": ("skimage", "data/chelsea.png", 285),  # Egyptian cat
    "coffee": ("skimage", "data/coffee.png", 967),  # espresso
    "rocket": ("skimage", "data/rocket.jpg", None),
    "china": ("sklearn", "datasets/images/china.jpg", None),
    "flower": ("sklearn", "datasets/images/flower.jpg", None),
}
PIP_NAMES = {"skimage": "scikit-image", "sklearn": "scikit-learn", "foolbox": "foolbox"}


def photographs(n=20, size=224):
    """The first ``n`` of the 20 ImageNet photographs that foolbox ships (512x512), with their class indices."""
    return read_images(photograph_files(n), size)


def photograph_files(n=20):
    """Pairs (path, class index) of the photographs of ``photographs(n)``, to be read one at a time by ``read_image``."""
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= 20:
        raise ValueError(f"n must be an integer from 1 to 20, got {n!r}.")
    folder = package_folder("foolbox") / "data"
    files = sorted(folder.glob("imagenet_[0-9][0-9]_*.jpg"))
    if len(files) < n:
        raise FileNotFoundError(
            f"{str(folder)!r} must hold 20 ImageNet photographs, has {len(files)}: reinstall foolbox."
        )
    return [(file, int(file.stem.split("_")[2])) for file in files[:n]]


def photograph(name, size=224):
    """A well-known photograph, a name of ``PHOTOGRAPHS``, as ``Images`` of length 1: ``photograph("chelsea").inputs``."""
    if name not in PHOTOGRAPHS:
        raise ValueError(f"name must be one of {', '.join(PHOTOGRAPHS)}, got {name!r}.")
    package, file, label = PHOTOGRAPHS[name]
    return read_images([(package_folder(package) / file, label)], size)


def package_folder(package):
    """Where an installed package lies, without importing it."""
    spec = find_spec(package)
    if spec is None:
        name = PIP_NAMES[package]
        raise ModuleNotFoundError(f"these photographs come with {name}, which is not installed: pip install {name}")
    return Path(spec.origin).parent
