"""What an attack did to an input, and the segments that AXAI reads off it: panels, and sliders over them.

Perturbations (C, H, W) and segments (H, W) are computed beforehand, so that every move is an instant.
"""

import numpy as np
import torch
from skimage.segmentation import mark_boundaries

from xaiutils.methods.axai import attacked_places, densest, segment_densities
from xaiutils.plots.explorers import explorer, pick, pickers, slider
from xaiutils.plots.pictures import as_array, photographs
from xaiutils.plots.style import GREY, PALETTE, figure, styled


@styled
def attack_panels(image, v, segments, *, percentile=15.0, k=5, channels="each", truth=None):
    """AXAI's Figure 1 for one image: it, its attack's histogram, the attacked pixels, the segments, the explanation.

    ``image``  pixels in [0, 1], (C, H, W); ``v`` the perturbation (C, H, W); ``segments`` integers (H, W)
    ``truth``  (H, W), True where the answer is known to lie: its edge is drawn in the last panel
    """
    picture, v = photographs(image)[0], torch.as_tensor(as_array(v, "v"))
    segments = torch.as_tensor(segments).cpu()
    attacked = attacked_places(v, percentile, channels)
    densities = segment_densities(attacked, segments)
    chosen = np.isin(segments.numpy(), densest(densities, k).numpy())
    fig, axes = figure(1, 5, (12.4, 3.0))
    axes[0].imshow(picture)
    _histogram(axes[1], v.flatten().numpy(), percentile)
    axes[2].imshow(attacked.numpy(), cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
    axes[3].imshow(mark_boundaries(picture, segments.numpy(), color=(1, 1, 0)))
    axes[4].imshow(np.where(chosen[..., None], picture, 0.75 + 0.25 * picture))
    if truth is not None:
        axes[4].contour(as_array(truth, "truth"), [0.5], colors=[PALETTE[1]], linewidths=1.5)
    titles = ("a image", "b values of the attack", f"c attacked: {attacked.double().mean():.0%}",
              f"d {len(densities)} segments", f"e {len(densest(densities, k))} densest")
    for ax, title in zip(axes, titles):
        ax.set_title(title)
        if ax is not axes[1]:
            ax.set(xticks=[], yticks=[])
            ax.grid(False)
    return fig


def play_attack(image, attacks, segmentations, names=("radius",), percentile=15, k=5):
    """Choose an attack and a segmentation, slide the percentile and k, and see the explanation follow.

    ``attacks``        {key: (C, H, W)}, a key being e.g. the radius, with ``names`` for its parts
    ``segmentations``  {name: (H, W)}
    """
    def draw(segmenter, percentile, k, **values):
        v = pick(attacks, names, values)
        return attack_panels(image, v, segmentations[segmenter], percentile=float(percentile), k=k)

    return explorer(draw, segmenter=list(segmentations), percentile=slider([1, 2, 5, 10, 15, 20, 30, 45], percentile),
                    k=slider(range(1, 21), k), **pickers(attacks, names))


@styled
def sound_panels(spectrograms, explanations, titles, *, seconds=1.0, rate=8000, window=None):
    """Spectrograms with the density of each cell beside them, the selected cells framed. -> Figure

    ``spectrograms``  (N, 1, F, T), row 0 the lowest frequency; ``explanations`` N of :meth:`AXAI.explain`
    ``window``        (start, end) in seconds of a part whose edges are marked, or one such pair a sound
    """
    fig, axes = figure(2, len(spectrograms), (2.9 * len(spectrograms) + 1.0, 5.0), sharex=True, sharey=True, squeeze=False)
    extent, windows = (0, seconds, 0, rate / 2000), [window] * len(spectrograms) if np.ndim(window) < 2 else window
    options = {"origin": "lower", "extent": extent, "aspect": "auto", "interpolation": "nearest"}
    for column, one, explanation, title, marked in zip(axes.T, spectrograms, explanations, titles, windows):
        column[0].imshow(as_array(one, "spectrograms")[0], cmap="Greys", vmin=0, vmax=1, **options)
        density = explanation.densities[explanation.segments].cpu().numpy()
        shades = column[1].imshow(density, cmap="magma_r", vmin=0, vmax=1, **options)
        for ax in column:
            _outline(ax, explanation.mask.cpu().numpy(), extent)
            ax.grid(False)
            for edge in marked or ():
                ax.axvline(edge, color=PALETTE[1], linestyle="--", linewidth=1)
        column[0].set_title(title)
        column[1].set_xlabel("seconds")
    for ax in axes[:, 0]:
        ax.set_ylabel("kHz")
    fig.colorbar(shades, ax=axes[1], label="density").outline.set_visible(False)
    return fig


@styled
def token_panels(sentences, explanations, titles):
    """Words of each sentence with their densities, beside the matrix of attacked entries, a row a word. -> Figure

    ``sentences``  N lists of words; ``explanations`` N of :meth:`AXAI.explain` of their word vectors (L, D)
    """
    heights = [len(words) for words in sentences]
    fig, axes = figure(len(sentences), 2, (8.6, 0.27 * sum(heights) + 0.8 * len(sentences)), squeeze=False,
                       height_ratios=heights, width_ratios=(1, 1.6))
    for (left, right), words, explanation, title in zip(axes, sentences, explanations, titles):
        density, chosen = explanation.densities.cpu().numpy()[:len(words)], explanation.selected.tolist()
        colours = [PALETTE[1] if place in chosen else GREY for place in range(len(words))]
        left.barh(range(len(words)), density, color=colours, height=0.7)
        left.set(yticks=range(len(words)), yticklabels=words, ylim=(len(words) - 0.5, -0.5), xlabel="density", title=title)
        for label, place in zip(left.get_yticklabels(), range(len(words))):
            label.set(color=colours[place] if place in chosen else "black", weight="bold" if place in chosen else "normal")
        right.imshow(explanation.attacked[:len(words)].cpu().numpy(), cmap="Greys", vmin=0, vmax=1, aspect="auto",
                     interpolation="nearest")
        right.set(yticks=[], xlabel="entry of the word vector", title="attacked entries")
        left.grid(False, axis="y")
        right.grid(False)
    return fig


def play_sentence(explain, sentence):
    """Type a sentence, press the button, and see the density of each word.

    ``explain``  sentence -> (words, what :meth:`AXAI.explain` says of their vectors, title)
    """
    def draw(sentence):
        words, explanation, title = explain(sentence)
        return token_panels([words], [explanation], [title])

    return explorer(draw, button="Explain", sentence=sentence)


def play_sound(spectrograms, explanations, titles, windows, name="start"):
    """Choose a sound by its key (a number such as where its window starts) and see what is explained, and where."""
    def draw(**values):
        key = values[name]
        return sound_panels(spectrograms[key][None], [explanations[key]], [titles[key]], window=windows[key])

    return explorer(draw, **pickers(spectrograms, (name,)))


def play_tails(image, v, alphas, curves, start=15):
    """Slide alpha: the tails of an attack on the image, their energy, and what pasting them, or other parts, does.

    ``v``  perturbation (C, H, W); ``curves`` {part: probability of the class at each of ``alphas``, (A,)}
    """
    from xaiutils.metrics import tail_energy, tails

    picture, alphas = photographs(image)[0], list(alphas)

    @styled
    def draw(alpha):
        inside = tails(v[None], alpha)[0].mean(0)                                               # (H, W), of the channels
        fig, axes = figure(1, 3, (10.8, 3.2), width_ratios=(1, 1, 1.5))
        axes[0].imshow(picture)
        axes[1].imshow(inside, cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
        axes[1].set_title(f"tails of {alpha} %: {tail_energy(v[None], alpha)[0]:.0%} of the energy")
        for ax in axes[:2]:
            ax.set(xticks=[], yticks=[])
            ax.grid(False)
        for colour, (part, values) in zip(PALETTE, curves.items()):
            axes[2].plot(alphas, as_array(values, part), color=colour, label=part)
        axes[2].axvline(alpha, color=GREY, linestyle="--")
        axes[2].set(xlabel="alpha", ylabel="probability of the class", ylim=(-0.03, 1.03))
        axes[2].legend()
        return fig

    return explorer(draw, alpha=slider(alphas, start))


def play_scale(image, v, scales, probabilities):
    """Scale an attack up and down, and see the picture and the probabilities of the classes concerned.

    ``v``  perturbation (C, H, W); ``probabilities`` {class: (S,)} at each of ``scales``
    """
    image, v, scales = as_array(image, "image"), as_array(v, "v"), list(scales)
    curves = {name: as_array(values, name) for name, values in probabilities.items()}

    @styled
    def draw(scale):
        place = scales.index(scale)
        fig, axes = figure(1, 2, (8.6, 3.2), width_ratios=(1, 1.6))
        axes[0].imshow(photographs((image + scale * v).clip(0, 1))[0])
        axes[0].set(xticks=[], yticks=[], title=max(curves, key=lambda name: curves[name][place]))
        axes[0].grid(False)
        for colour, (name, values) in zip(PALETTE, curves.items()):
            axes[1].plot(scales, values, color=colour, label=name)
        axes[1].axvline(scale, color=GREY, linestyle="--")
        axes[1].set(xlabel="scale of the perturbation", ylabel="probability", ylim=(-0.03, 1.03))
        axes[1].legend()
        return fig

    return explorer(draw, scale=slider(scales, scales[-1]))


@styled
def kept_panels(images, masks, rows=None):
    """Photographs, and beside them what is kept of each, the rest faded. -> Figure

    ``images``  (N, C, H, W), or one (C, H, W); ``masks`` {title: (N, H, W)}, True where kept; ``rows`` N names
    """
    pictures = photographs(images)
    masks = {title: as_array(kept, title).reshape(pictures.shape[:3]) > 0.5 for title, kept in masks.items()}
    fig, axes = figure(len(pictures), 1 + len(masks), (2.5 * (1 + len(masks)), 2.6 * len(pictures)), squeeze=False)
    for index, (line, picture) in enumerate(zip(axes, pictures)):
        line[0].imshow(picture)
        for ax, kept in zip(line[1:], masks.values()):
            ax.imshow(np.where(kept[index][..., None], picture, 0.75 + 0.25 * picture))
        for ax, title in zip(line, ("photograph", *masks)):
            ax.set(xticks=[], yticks=[], title=title if index == 0 else "")
            ax.grid(False)
        if rows is not None:
            line[0].set_ylabel(rows[index])
    return fig


def play_kept(image, masks, name="segmentation"):
    """Choose a key of ``masks`` {key: {title: (H, W)}} and see what each explanation keeps of the photograph."""
    def draw(**values):
        return kept_panels(image, masks[values[name]])

    return explorer(draw, **pickers(masks, (name,)))


def play_laws(values, families):
    """The values of an attack (N,) by name, and a family fitted to them: choose both, see density and KS distance."""
    from xaiutils.metrics import fit_laws, tail_ratio

    fits = {name: {fit.family: fit for fit in fit_laws(rows[None], families)} for name, rows in values.items()}

    @styled
    def draw(attack, family):
        rows, fit = np.asarray(values[attack]), fits[attack][family]
        limit = np.percentile(np.abs(rows), 99.5)
        line = np.linspace(-limit, limit, 301)
        fig, axes = figure(1, 2, (10.4, 3.2))
        for ax, scale in zip(axes, ("linear", "log")):
            ax.hist(rows, np.linspace(-limit, limit, 61), density=True, color=GREY, alpha=0.6)
            ax.plot(line, fit.law().pdf(line), color=PALETTE[1], label=f"{family}: KS {fit.ks:.3f}")
            for q in np.quantile(rows, [0.15, 0.25, 0.75, 0.85]):
                ax.axvline(q, color=PALETTE[0], linestyle=":", linewidth=1)
            bottom = 0 if scale == "linear" else 0.2 / (len(rows) * limit / 30)
            ax.set(yscale=scale, xlabel="value", title=f"{scale} scale", ylim=(bottom, None))
        axes[0].legend()
        q = np.quantile(rows, [0.15, 0.25, 0.75, 0.85])
        axes[1].set_title(f"log scale; ratio of quantiles {(q[3] - q[0]) / (q[2] - q[1]):.2f}, fitted {tail_ratio(fit.law()):.2f}")
        return fig

    return explorer(draw, attack=list(values), family=list(families))


def _outline(ax, mask, extent):
    """A line around the places where ``mask`` (rows, columns) is True, row 0 at the bottom of ``extent``."""
    if mask.any():
        left, right, bottom, top = extent
        rows, columns = ((np.arange(-1, n + 1) + 0.5) / n for n in mask.shape)
        ax.contour(left + columns * (right - left), bottom + rows * (top - bottom), np.pad(mask, 1).astype(float), [0.5],
                   colors=[PALETTE[2]], linewidths=1.6)
        ax.set(xlim=(left, right), ylim=(bottom, top))


def _histogram(ax, values, percentile):
    """Values of one perturbation, those below and above its two percentiles in colour."""
    low, high = np.percentile(values, [percentile, 100 - percentile])
    limit = np.percentile(np.abs(values), 99.5) or 1.0
    edges = np.unique([*np.linspace(-limit, limit, 61), np.clip(low, -limit, limit), np.clip(high, -limit, limit)])
    counts = np.histogram(values, edges)[0] / np.diff(edges)
    middle = (edges[1:] + edges[:-1]) / 2
    colours = np.where((middle < low) | (middle >= high), PALETTE[1], GREY)
    ax.bar(edges[:-1], counts, np.diff(edges), align="edge", color=colours, linewidth=0)
    ax.set(yticks=[], xlabel=f"tails: {percentile:g} % at each end")
    ax.ticklabel_format(axis="x", style="sci", scilimits=(-2, 2))
