"""The credible path's percentages from its printed means, and areas that are known by hand."""

import pandas as pd
import pytest
import torch

from xaiutils.metrics import deletion_curve, games, insertion_curve, insertion_minus_deletion, percent_gain

PRINTED = {  # Table 1: insertion minus deletion on ResNet-50, DenseNet-121, VGG-16, and the gains printed beside
    "IG": ((0.3711, 0.5042, 0.2532), (0, 0, 0)), "IG (G)": ((0.2997, 0.4128, 0.1609), (-19.2, -18.1, -36.4)),
    "IG (A)": ((0.4653, 0.5493, 0.3387), (25.4, 8.9, 33.7)), "AGI": ((0.3995, 0.4549, 0.2419), (7.6, -9.7, -4.4)),
    "EG": ((0.4004, 0.5171, 0.2727), (7.90, 2.5, 7.69)), "Our": ((0.5311, 0.6228, 0.4023), (43.1, 23.5, 58.8)),
}


def table(**methods):
    """A table of games with these differences for images 0, 1, ..."""
    rows = [(image, method, value, 0.0) for method, values in methods.items() for image, value in enumerate(values)]
    return pd.DataFrame(rows, columns=["image", "method", "insertion", "deletion"])


def test_the_printed_gains_of_table_1():
    # each within 0.1 points; several were cut instead of rounded: 58.89 is printed 58.8
    for k in range(3):
        gains = percent_gain(table(**{method: [values[k]] for method, (values, _) in PRINTED.items()}), "IG").gain
        assert gains.tolist() == pytest.approx([printed[k] for _, printed in PRINTED.values()], abs=0.1)
        assert (k, round(gains["Our"], 2)) in {(0, 43.12), (1, 23.52), (2, 58.89)}


def test_a_gain_by_hand():
    # means 0.25 and 0.4: 60 % more; the mean of the two ratios, 1.5 and 1.75, would say 62.5
    gains = percent_gain(table(ig=[0.4, 0.1], ours=[0.6, 0.2]), "ig")
    assert list(gains.index) == ["ig", "ours"] and gains.difference.tolist() == pytest.approx([0.25, 0.4])
    assert gains.gain.tolist() == pytest.approx([0, 60])


def test_against_a_negative_reference_more_is_still_a_gain():
    assert percent_gain(table(ig=[-0.2], ours=[-0.1]), "ig").gain.tolist() == pytest.approx([0, 50])
    assert percent_gain(table(ig=[0.0], ours=[0.1]), "ig").gain.isna().all()


def test_the_area_between_the_curves_is_the_difference_of_their_areas():
    def pixel_sum(x):
        return x.sum((1, 2, 3))[:, None]

    image = torch.tensor([[[[8.0, 4.0], [2.0, 1.0]]]])
    played = games(pixel_sum, image, {"best": image, "worst": -image}, 0, step=1, output="logit")
    told = insertion_minus_deletion(played)
    assert told.difference.tolist() == [5.75, -5.75]                       # 10.375 - 4.625
    between = [insertion_curve(pixel_sum, image, m, 0, step=1, output="logit")
               - deletion_curve(pixel_sum, image, m, 0, step=1, output="logit") for m in (image, -image)]
    assert [torch.trapezoid(curve, dx=0.25).item() for curve in between] == told.difference.tolist()
    assert percent_gain(played, "worst").gain.tolist() == [200.0, 0.0]


def test_a_constant_score_has_no_difference():
    image = torch.rand(2, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    played = games(lambda x: torch.ones(len(x), 2), image, {"itself": image}, 0, step=4)
    assert insertion_minus_deletion(played).difference.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("change, message", [
    (dict(reference="lrp"), "reference must be one of the methods ig, ours, got 'lrp'"),
    (dict(of="area"), "table must have the columns method, area, got none named area"),
    (dict(table=table(ig=[1.0, 2.0], ours=[1.0])), "table must have the same images for every method"),
    (dict(table=table(ig=[1.0]).drop(columns="deletion")), "got none named deletion"),
])
def test_bad_arguments_are_named(change, message):
    settings = dict(table=table(ig=[1.0], ours=[2.0]), reference="ig") | change
    with pytest.raises(ValueError, match=message):
        percent_gain(**settings)
