r"""How much does a heat map tell of the image, or of the object? Mutual information of the values at the same pixel.

.. math:: I(z; x) = \sum_{ij} p_{ij} \log \frac{p_{ij}}{p_{i \cdot}\, p_{\cdot j}} \quad \text{nats}

``p_ij``  share of the pixels whose map value z lies in bin i and whose image value x in bin j, ``bins`` equal bins each
          from its smallest to its largest value (20, the paper's number). A mask has two values

The paper reads HIGHER as better. But a map that copies the image without asking the network scores highest:
:func:`times_noise` is such a control, to be shown beside every method. A map independent of the image scores above 0
too, about (bins - 1)^2 / 2n for n pixels if every bin is met: .0036 nats at 224x224, .044 at 64x64; with a mask
(bins - 1) / 2n.

Limit cases   A constant map has 0. The image itself, or rescaled by a positive factor and an offset, has the image's
              entropy H(x), the largest value possible; exp(I - H) is the paper's certainty (Eq. 6).
Readings      The text of Section 9.2 compares with the image, the caption of Figure 7 with annotations: both are here.
              Grey is the mean of the channels; the paper does not say.
Source        Sampling Matters in Explanations (manuscript), Eq. 3 and 6, Section 9.2, Figure 7.
"""

import torch

from xaiutils.core import check_inputs, make_generator, reduce_channels


def image_information(heatmap, images, bins=20):
    """Of each map (N, H, W) and its image, grey (N, H, W) or (N, C, H, W), in nats. -> (N,), float64"""
    _check_heatmap(heatmap)
    check_inputs(images, "images")
    grey = reduce_channels(images, "mean") if images.dim() == 4 else images
    if grey.shape != heatmap.shape:
        raise ValueError(f"images must be (N, H, W) or (N, C, H, W) with the heatmap's {tuple(heatmap.shape)}, "
                         f"got {tuple(images.shape)}.")
    pairs = zip(_binned(heatmap, bins), _binned(grey, bins))
    return torch.stack([_information(a, b, bins, bins) for a, b in pairs])


def object_information(heatmap, mask, bins=20):
    """Of each map (N, H, W) and an object, in nats; at most log 2. -> (N,), float64

    ``mask``  true inside the object, (N, H, W) or one (H, W) for all
    """
    _check_heatmap(heatmap)
    mask = torch.as_tensor(mask, device=heatmap.device)
    if mask.dtype != torch.bool or mask.shape not in (heatmap.shape, heatmap.shape[1:]):
        raise ValueError(f"mask must be boolean, of shape {tuple(heatmap.shape)} or {tuple(heatmap.shape[1:])}, "
                         f"got {mask.dtype} of shape {tuple(mask.shape)}.")
    pairs = zip(_binned(heatmap, bins), mask.expand_as(heatmap).long().flatten(1))
    return torch.stack([_information(a, b, bins, 2) for a, b in pairs])


def relative_information(information, reference):
    """Mean of ``information`` (N,) over the mean of ``reference`` (N,), a method's over that of Integrated Gradients.

    Figure 7 divides so for each network. The ratio of means, unlike the mean of ratios, is not ruled by the image whose
    reference is nearest 0.
    """
    for name, values in (("information", information), ("reference", reference)):
        if values.dim() != 1 or values.shape != reference.shape or not torch.isfinite(values).all():
            raise ValueError(f"{name} must be (N,) finite values of the same images, got shape {tuple(values.shape)}.")
    if not reference.mean() > 0:
        raise ValueError(f"reference must have a positive mean, got {float(reference.mean()):g}.")
    return float(information.double().mean() / reference.double().mean())


def times_noise(images, *, seed=0, generator=None):
    """The control that has seen no network: images (N, C, H, W) times noise from U(0, 1), the same for each image."""
    check_inputs(images, "images")
    noise = torch.rand(images.shape[1:], generator=generator or make_generator(seed), dtype=images.dtype)
    return images * noise.to(images.device)


def _binned(maps, bins):
    """The bin of each pixel, (N, H W), 0 ... bins - 1; the largest value falls into the last bin."""
    if int(bins) != bins or bins < 2:
        raise ValueError(f"bins must be an integer of at least 2, got {bins!r}.")
    flat = maps.detach().double().flatten(1)
    low, high = flat.amin(1, keepdim=True), flat.amax(1, keepdim=True)
    width = torch.where(high > low, high - low, 1.0)
    return ((flat - low) * bins / width).long().clamp(max=bins - 1)


def _information(a, b, n_a, n_b):
    """Mutual information in nats of two rows of bin numbers."""
    joint = torch.bincount(a * n_b + b, minlength=n_a * n_b).double().view(n_a, n_b) / len(a)
    independent = joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True)
    return torch.special.xlogy(joint, joint / independent.clamp(min=torch.finfo(torch.float64).tiny)).sum().clamp(min=0)


def _check_heatmap(heatmap):
    check_inputs(heatmap, "heatmap")
    if heatmap.dim() != 3:
        raise ValueError(f"heatmap must be (N, H, W), got shape {tuple(heatmap.shape)}; see core.reduce_channels.")
