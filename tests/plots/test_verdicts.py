"""Verdicts as a coloured table, and two thresholds to move."""

import pandas as pd
import pytest
from matplotlib.colors import to_hex

from xaiutils import plots
from xaiutils.plots.verdicts import FILLS, apart
from xaiutils.verdict_matrix import printed


def cells(fig):
    """(text, colour) of each cell, row by row."""
    ax = fig.axes[0]
    return [(text.get_text(), to_hex(patch.get_facecolor()).upper()) for text, patch in zip(ax.texts, ax.patches)]


def test_cells_have_the_colour_of_their_word_and_the_number_where_there_is_one():
    words = pd.DataFrame({"thesis": ["fails", "passes"], "ours": ["inconclusive", ""]}, index=["LRP", "RAP"])
    numbers = pd.DataFrame({"thesis": [float("nan")] * 2, "ours": [0.923, -0.001]}, index=["LRP", "RAP"])
    assert cells(plots.verdict_table(words, numbers)) == [
        ("fails", FILLS["fails"]), ("0.92", FILLS["inconclusive"]), ("passes", FILLS["passes"]), ("0.00", "#FFFFFF")]
    with pytest.raises(ValueError, match="numbers must have the shape of words"):
        plots.verdict_table(words, numbers[["ours"]])


def test_explorer_counts_agreement_at_its_thresholds():
    thesis = printed()
    ssim = (thesis["randomization"] == "fails") * 0.2 + 0.75                    # 0.95 for what fails, 0.75 for the others
    share = (thesis["classes"] == "yes") * 0.2 + (thesis["classes"] == "partly") * 0.1 + 0.5
    explorer = plots.verdict_explorer({"ledger": ssim, "opposite": 1 - ssim}, share)
    title = lambda: explorer.figure.axes[0].get_title()
    assert "randomization: 20 of 20 agree, kappa 1.00" in title()
    assert "classes: 14 of 20 agree" in title()                                # at 0.6 the six "partly" discriminate too
    explorer.controls["partly_counts"].value = True
    assert "classes: 20 of 20 agree, kappa 1.00" in title()
    explorer.controls["partly_counts"].value = False
    explorer.controls["discriminates_from"].value = 0.65
    assert "classes: 20 of 20 agree" in title()
    explorer.controls["fails_from"].value = 0.7                                # everything fails: five agree, by chance
    assert "randomization: 5 of 20 agree, kappa 0.00" in title()
    explorer.controls["setting"].value = "opposite"                            # nothing fails
    assert "randomization: 15 of 20 agree, kappa 0.00" in title()


def test_names_stand_apart_in_the_order_of_their_points():
    assert apart([0.0, 0.0, 0.1, 3.0], 0.5) == pytest.approx([0, 0.5, 1, 3])
    assert apart([0.0, 2.9, 3.0, 3.0], 0.5) == pytest.approx([0, 2.5, 3, 3.5])            # pressed down from the top
    points = {"LRP": (0.0, 1.0), "RAP": (0.5, 1.0), "IG": (0.4, 0.2)}
    fig = plots.labelled_points(points, xlabel="x", ylabel="y", colours={"RAP": 3})
    names = {text.get_text(): text.get_position()[1] for text in fig.axes[0].texts}
    assert names["IG"] < names["LRP"] < names["RAP"]
    assert [0.4, 0.2] in [line.get_xydata()[0].tolist() for line in fig.axes[0].lines]
