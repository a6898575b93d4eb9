"""Photographs and maps as plots need them, from what people have: tensors or arrays, batches or single images."""

import numpy as np


def as_array(values, name):
    """float64 array of a tensor on any device, an array or nested lists; refuses NaN, infinity and emptiness."""
    array = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values, dtype=np.float64)
    if array.size == 0 or not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite and not empty, got {np.count_nonzero(~np.isfinite(array))} NaN or "
                         f"infinite of {array.size} values.")
    return array


def photographs(inputs):
    """Images (N, H, W, 3) for display from pixels in [0, 1], (N, C, H, W) or one (C, H, W), with C = 1 or 3."""
    images = as_array(inputs, "inputs")
    images = images[None] if images.ndim == 3 else images
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"inputs must be (N, C, H, W) or (C, H, W) with 1 or 3 channels, got shape {images.shape}.")
    if images.min() < -1e-6 or images.max() > 1 + 1e-6:
        raise ValueError(f"inputs must be pixels in [0, 1], got {images.min():.3g} to {images.max():.3g}; undo the "
                         "normalisation.")
    return images.clip(0, 1).transpose(0, 2, 3, 1).repeat(3 // images.shape[1], axis=3)


def heat_maps(attributions, title, images):
    """The channel means (N, H, W) of one method's ``attributions`` for ``images`` (N, H, W, 3).

    Attributions are (N, C, H, W) or (N, H, W), and for one image also (C, H, W) or (H, W).
    """
    n, height, width, _ = images.shape
    maps = as_array(attributions, f"attributions of {title!r}")
    if n == 1 and (maps.ndim == 2 or maps.ndim == 3 and len(maps) > 1):
        maps = maps[None]
    if maps.ndim not in (3, 4) or (len(maps), *maps.shape[-2:]) != (n, height, width):
        raise ValueError(f"attributions of {title!r} must be maps of {n} images of {height} x {width} pixels, "
                         f"got shape {maps.shape}.")
    return maps.mean(1) if maps.ndim == 4 else maps


def by_title(attributions, titles=None):
    """{title: attributions} from such a dictionary, a list with its ``titles``, or a single one."""
    if isinstance(attributions, dict):
        if titles is not None:
            raise ValueError("titles must be left out where attributions is a dictionary: its keys are the titles.")
        return attributions
    listed = attributions if isinstance(attributions, (list, tuple)) else [attributions]
    titles = [titles] if isinstance(titles, str) else titles or [f"map {i + 1}" for i in range(len(listed))]
    if len(titles) != len(listed) or len(set(titles)) != len(titles):
        raise ValueError(f"titles must be {len(listed)} different words, one a map, got {list(titles)}.")
    return dict(zip(titles, listed))


def one_of(name, value, choices):
    """``value`` if it is among ``choices``; otherwise a ValueError that names the argument."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(str, choices))}, got {value!r}.")
    return value
