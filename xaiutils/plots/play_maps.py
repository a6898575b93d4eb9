"""To play with: maps. Each function takes arrays computed beforehand, or callables, and returns an Explorer.

Images are pixels in [0, 1], (C, H, W); maps (H, W) or (C, H, W). A dictionary may have tuples as keys, such as
("black", 50), with ``names`` for their parts, such as ("reference", "steps"): each part gets a control of its own.
"""

import numpy as np
import torch
from ipywidgets import Combobox, IntRangeSlider
from matplotlib.patches import Rectangle

from xaiutils.plots.explorers import explorer, pick, pickers, slider
from xaiutils.plots.heatmaps import normalise, show
from xaiutils.plots.pictures import as_array, heat_maps, photographs
from xaiutils.plots.style import PALETTE

SIZE = 2.4                                                            # inches of a picture in an explorer


def explain_photograph(model, images, class_names, methods, *, image=None, method=None):
    """Pick a photograph, a class and a method, press the button, see the map.

    ``model``    pixels (1, C, H, W) -> logits (1, K); one forward pass for the caption
    ``images``   {name: (C, H, W)}; ``class_names`` the K names; ``image`` and ``method`` what stands there first
    ``methods``  {name: callable(inputs (1, C, H, W), target) -> attributions}
    """
    predicted = "the predicted class"

    def draw(photograph, explained_class, method):
        inputs = torch.as_tensor(images[photograph])[None]
        with torch.no_grad():
            probabilities = model(inputs).softmax(1)[0]
        if explained_class not in (predicted, *class_names):
            raise ValueError(f"No class is called {explained_class!r}: pick one from the list.")
        target = int(probabilities.argmax()) if explained_class == predicted else class_names.index(explained_class)
        notes = {photograph: [f"network: {class_names[int(probabilities.argmax())]}, {probabilities.max():.2f}"],
                 method: [f"for {class_names[target]}, {probabilities[target]:.2f}"]}
        return show({photograph: inputs}, {method: methods[method](inputs, target)}, notes=notes, size=3)

    search = Combobox(options=[predicted, *class_names], value=predicted)
    return explorer(draw, button="Explain", photograph=_menu(images, image), explained_class=search,
                    method=_menu(methods, method))


def pick_map(image, maps, names=("method",), *, notes=None, **options):
    """Choose among precomputed maps: by method, layer, number of classes or steps, path, step size ...

    ``maps``     {key: map}, or {key: {title: map}} for several side by side
    ``notes``    {key: text under the map, or {title: text}}, e.g. a completeness error or a similarity
    ``options``  of :func:`xaiutils.plots.show`
    """
    def draw(**values):
        chosen = _titled(pick(maps, names, values))
        note = _titled(pick(notes, names, values)) if notes else {}
        return show(image, chosen, notes={title: [text] for title, text in note.items()}, **{"size": SIZE} | options)

    return explorer(draw, **pickers(maps, names))


def reference_picker(image, references, maps, errors, names=("reference", "steps")):
    """Choose the reference (and the number of steps) of integrated gradients; see the map and its completeness error.

    ``references``  {reference: (C, H, W)}; ``maps`` {(reference, steps): map}; ``errors`` {(reference, steps): float}
    """
    def draw(**values):
        pictures = {"photograph": image, f"reference: {values[names[0]]}": references[values[names[0]]]}
        note = f"completeness error {pick(errors, names, values):.3g}"
        return show(pictures, {"integrated gradients": pick(maps, names, values)}, size=SIZE,
                    notes={"integrated gradients": [note]})

    return explorer(draw, **pickers(maps, names))


def percentile_picker(image, maps, names=("method",), *, measure=None, low=80, high=99):
    """Slide the two percentiles of AGI's display and see how sparse any map can be made to look.

    ``measure``  callable(map drawn, (H, W)) -> text under it, e.g. Moran's I
    """
    def draw(percentiles, **values):
        low, high = percentiles
        raw = pick(maps, names, values)
        title = ", ".join(str(values[name]) for name in names)
        drawn = normalise(heat_maps(raw, title, photographs(image))[0], "percentile", low, high)
        note = f"{(drawn == 0).mean():.0%} of the pixels are 0" + (f"; {measure(drawn)}" if measure else "")
        return show(image, {title: raw}, views=("map", "product"), mode="percentile", low=low, high=high, size=SIZE,
                    notes={title: [note]})

    return explorer(draw, percentiles=IntRangeSlider(value=(low, high), min=0, max=100), **pickers(maps, names))


def class_count_morph(image, maps):
    """Slide the number of false classes k through ``maps`` {k: map}; a note compares with the map of the largest k."""
    last = as_array(maps[max(maps)], "maps").ravel()
    notes = {k: f"correlation with k = {max(maps)}: {np.corrcoef(as_array(one, 'maps').ravel(), last)[0, 1]:.2f}"
             for k, one in maps.items()}
    return pick_map(image, maps, ("false_classes",), notes=notes)


def pairwise_difference(image, maps):
    """Choose two false classes from ``maps`` {class: map}: both maps and their difference, on one scale."""
    def draw(first, second):
        a, b = as_array(maps[first], "maps"), as_array(maps[second], "maps")
        shown = {f"first: {first}": a, f"second: {second}": b, "first - second": a - b}
        return show(image, shown, scale="shared", size=SIZE)

    classes = list(maps)
    return explorer(draw, first=_menu(classes, classes[0]), second=_menu(classes, classes[-1]))


def cascade_slider(image, maps, similarity=None):
    """Randomise one layer more with each step of the slider.

    ``maps``        {layer: {method: map}} in the order in which layers were randomised, the untouched network first
    ``similarity``  {layer: {method: number}} to the untouched network's map, written below
    """
    notes = similarity and {layer: {method: f"similarity {value:.2f}" for method, value in row.items()}
                            for layer, row in similarity.items()}

    def draw(randomised_down_to):
        below = {method: [text] for method, text in (notes or {}).get(randomised_down_to, {}).items()}
        return show(image, maps[randomised_down_to], notes=below, size=SIZE)

    return explorer(draw, randomised_down_to=slider(maps))


def object_share(image, maps, names=("method",)):
    """Draw a box around the object and read which share of the map's positive part lies inside, and what chance gives.

    ``across`` and ``down`` are the box's range of columns and rows; by chance the share is that of the area.
    """
    height, width = np.shape(image)[-2:]

    def draw(across, down, **values):
        title = ", ".join(str(values[name]) for name in names)
        heatmap = heat_maps(pick(maps, names, values), title, photographs(image))[0]
        positive = heatmap.clip(min=0)
        share = positive[slice(*down), slice(*across)].sum() / positive.sum()
        area = (across[1] - across[0]) * (down[1] - down[0]) / heatmap.size
        fig = show(image, {title: heatmap}, size=SIZE, notes={title: [f"{share:.0%} inside, by chance {area:.0%}"]})
        corner = across[0] - 0.5, down[0] - 0.5
        for ax in fig.axes[:2]:
            ax.add_patch(Rectangle(corner, across[1] - across[0], down[1] - down[0], fill=False, edgecolor=PALETTE[2],
                                   linewidth=2))
        return fig

    return explorer(draw, across=_range(width), down=_range(height), **pickers(maps, names))


def _range(size):
    """A slider with two ends over ``size`` pixels, on the middle half at first."""
    return IntRangeSlider(value=(size // 4, size - size // 4), min=0, max=size)


def _titled(entry):
    return entry if isinstance(entry, dict) else {"map": entry}


def _menu(choices, first):
    """Choices as ipywidgets takes them, ``first`` in front."""
    return sorted(choices, key=lambda choice: choice != first)
