r"""Twenty methods, two questions, two answers each: the verdicts of Nuzzo's thesis beside those of a run.

>>> thesis = printed()                                                  # doctest: +SKIP
>>> cohens_kappa(thesis["randomization"], ours)                         # doctest: +SKIP

The questions are whether a map changes with the network's parameters ("randomization"), and whether it tells two
classes in one picture apart ("classes").

.. math:: \kappa = \frac{p_o - p_e}{1 - p_e}, \qquad p_e = \sum_k p_1(k)\, p_2(k)

``p_o``      share of the methods on which two judges give the same word
``p_1, p_2`` share of word k among the words of either judge; ``p_e`` is what they would share if each drew at random
Source: Nuzzo: Sanity Checks for Explanations of Deep Neural Networks Predictions, MSc thesis 2020, Sections 7.2, 7.3;
Cohen: A Coefficient of Agreement for Nominal Scales, Educational and Psychological Measurement 1960.
"""

import pandas as pd
import torch

from xaiutils import datasets, groups, metrics, sweep
from xaiutils.core import reduce_channels
from xaiutils.engine import Engine

FAILING = ("Guided Backprop", "LRP a1b0", "LRP a2b1", "LRP a3b2", "RAP")               # Section 7.2
SLIGHTLY = ("Guided Grad-CAM",)                                                        # SSIM of about 0.9
DISCRIMINATING = ("Grad-CAM", "Guided Grad-CAM")                                       # Section 7.3
PARTLY = ("Saliency", "Input x Gradient", "LRP a4b3", "LRP a5b4", "LRP a6b5", "LRP a9b8")
FURTHER = ("LRP a1b0", "LRP a2b1", "LRP a4b3", "RAP")                           # of group 4, in the figures after 7.5


def titles():
    """The twenty methods in the order of the thesis' groups."""
    return [title for group in (groups.gradients, groups.deeplift, groups.paths, groups.relevance) for title in group()]


def rows_of_further_figures():
    """The sixteen methods in the figures of further images: groups 1 to 3 and four of group 4."""
    return [title for title in titles() if title not in groups.relevance() or title in FURTHER]


def printed():
    """The thesis' verdicts, collected from its sentences: a row a method, columns "randomization" and "classes".

    "randomization" is "passes", "slightly" or "fails", "classes" is "yes", "partly" or "no". LRP with alpha of 4 and
    more is said to become more discriminative with alpha, which is read as "partly"; of RAP nothing is said, it goes
    with LRP of small alpha ("no").
    """
    rows = {title: ["fails" if title in FAILING else "slightly" if title in SLIGHTLY else "passes",
                    "yes" if title in DISCRIMINATING else "partly" if title in PARTLY else "no"] for title in titles()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["randomization", "classes"])


def judged(frame, share, *, passes=0.90, fails=0.95, share_from=0.6, measure="ledger"):
    """Verdicts of a run: (words, numbers), a row a method, columns "cascading", "independent" and "classes".

    ``frame``  rows of :meth:`xaiutils.sweep.Sweep.run`, both tests; ``measure`` one of its columns
    ``share``  DataFrame of :func:`share_in_own_half`'s means over both classes: a row a picture, a column a method
    "cascading" judges the similarity with the last layer random, "independent" the mean over the layers that were
    random alone, both as :func:`xaiutils.sweep.verdict` does; "classes" is "yes" from a mean share of ``share_from`` on.
    """
    alone = frame[frame["test"] == "independent"].groupby(["image", "method"])[measure].mean().unstack()
    columns = {"cascading": sweep.per_image(frame, measure), "independent": alone, "classes": share}
    numbers = pd.DataFrame({name: values.mean() for name, values in columns.items()}).reindex(titles())
    words = pd.DataFrame({name: {method: sweep.verdict(columns[name][method], passes, fails) for method in titles()}
                          for name in ("cascading", "independent")})
    return words.assign(classes=(numbers["classes"] >= share_from).map({True: "yes", False: "no"})), numbers


def words_of(numbers, passes=0.90, fails=0.95):
    """A word for each number of a DataFrame: "passes" up to ``passes``, "fails" from ``fails`` on, else "inconclusive"."""
    return numbers.map(lambda value: "fails" if value >= fails else "passes" if value <= passes else "inconclusive")


def agreement(first, second):
    """How many words two judges share: word by word, in the order given."""
    first, second = _both(first, second)
    return sum(a == b for a, b in zip(first, second))


def cohens_kappa(first, second):
    """Agreement of two judges beyond chance, 1 at most; 0 for a judge who gives one word whatever the other says.

    NaN where both give the same one word throughout: chance alone agrees fully then, and nothing can be said.
    """
    first, second = _both(first, second)
    n = len(first)
    by_chance = sum(first.count(word) * second.count(word) for word in set(first)) / n**2
    return (agreement(first, second) / n - by_chance) / (1 - by_chance) if by_chance < 1 else float("nan")


def negative_share(attributions):
    """Share of |map| that speaks against the class, channels added up first. (N, C, H, W) -> (N,); NaN where all is 0."""
    heatmap = reduce_channels(attributions, "sum").double().flatten(1)
    return heatmap.clamp(max=0).abs().sum(1) / heatmap.abs().sum(1)


def two_class_pictures(network, source, n, *, left_class=None, right_class=None, seed=0, device="cpu"):
    """Composites of two pictures of different classes. -> inputs (M, C, H, W), left half (H, W), two targets (M,)

    ``left_class``, ``right_class``  names of classes of the data set, "banana" and "orange" in the thesis; None takes
    pictures as they come, each for the class that the network says of it alone. M <= n: pairs of one class stay out.
    """
    def pictures(count, only=None):
        return datasets.explained_pictures(source, count, network.input_size, seed=seed, only=only)

    if left_class is None:
        drawn = pictures(2 * n).inputs.to(device)
        sides = [drawn[0::2], drawn[1::2]]
        classes = [Engine(network).scores(side).argmax(1) for side in sides]
    else:
        found = [pictures(n, name) for name in (left_class, right_class)]
        sides = [images.inputs.to(device) for images in found]
        classes = [torch.tensor(images.labels, device=device) for images in found]
    inputs, left = datasets.side_by_side(*sides)
    apart = classes[0] != classes[1]
    return inputs[apart], left, [labels[apart] for labels in classes]


def share_in_own_half(pair, left):
    """Share of a map's positive part in the half of the class explained. -> (N, 2), a column a class; 0.5 by chance

    ``pair``  attributions (N, C, H, W) for the class on the left, and for that on the right
    ``left``  (H, W), true in the left half
    A map that is nowhere above 0, as LRP's is for a negative score, counts with its absolute values; one that is 0
    everywhere, as Grad-CAM's can be, says nothing and counts 0.5.
    """
    shares = []
    for attributions, half in zip(pair, (left, ~left)):
        heatmap = reduce_channels(attributions, "sum")
        share = metrics.energy_share(heatmap, half)
        share = torch.where(share.isfinite(), share, metrics.energy_share(heatmap.abs(), half))
        shares.append(share.masked_fill((heatmap == 0).flatten(1).all(1), 0.5))
    return torch.stack(shares, 1)


def _both(first, second):
    """Two lists of words of one length."""
    first, second = list(first), list(second)
    if len(first) != len(second) or not first:
        raise ValueError(f"second must have a word for each of first, got {len(second)} for {len(first)}.")
    return first, second
