r"""Insertion minus deletion, and its gain over a reference method in per cent: the credible path's tables.

.. math:: d_m = \mathrm{mean}_n\,(\mathrm{AUC}^\mathrm{insertion}_{mn} - \mathrm{AUC}^\mathrm{deletion}_{mn}), \qquad
          \mathrm{gain}_m = 100\,\frac{d_m - d_\mathrm{ref}}{|d_\mathrm{ref}|}

``d_m``      area under the insertion curve minus area under the deletion curve of method m, which is the area between
             the two; HIGHER is better, 0 for a constant score
``gain_m``   the mean over images comes before the ratio: else images on which the reference is near 0 would rule it

A relative gain is large where the reference is small: look at ``difference`` beside it.

Limit cases  the reference gains 0; over a reference of 0 there is no gain, NaN. A reference below 0 counts with its
             size, so that a positive gain is always better
Source       Akhtar, Jalwana: credible path, Section 7, Tables 1 to 4 (insertion and deletion after Petsiuk et al.)
"""

import pandas as pd


def insertion_minus_deletion(table):
    """A column ``difference`` beside ``insertion`` and ``deletion`` of :func:`xaiutils.metrics.games`. -> DataFrame"""
    _need(table, "method", "insertion", "deletion")
    return table.assign(difference=table["insertion"] - table["deletion"])


def percent_gain(table, reference="integrated-gradients", of="difference"):
    """Mean of each method and its gain over ``reference`` in per cent. -> DataFrame

    A row a method, in the order of ``table``; columns: the mean ``of``, and ``gain``; index: ``method``. ``table`` has a
    row for each image and method, every method with the same images, as :func:`xaiutils.metrics.games` makes it;
    ``difference`` is worked out where it is missing.
    For a score of which less is better (``of="deletion"``) a good gain is negative.
    """
    if of == "difference" and "difference" not in table:
        table = insertion_minus_deletion(table)
    _need(table, "method", of)
    if "image" in table and table.groupby("method")["image"].agg(lambda images: tuple(sorted(images))).nunique() > 1:
        raise ValueError("table must have the same images for every method, got different ones.")
    means = table.groupby("method", sort=False)[of].mean()
    if reference not in means:
        raise ValueError(f"reference must be one of the methods {', '.join(map(str, means.index))}, got {reference!r}.")
    base = means[reference]
    gain = 100 * (means - base) / abs(base) if base != 0 else means * float("nan")
    return pd.DataFrame({of: means, "gain": gain})


def _need(table, *columns):
    missing = [column for column in columns if column not in table]
    if missing:
        raise ValueError(f"table must have the columns {', '.join(columns)}, got none named {', '.join(missing)}.")
