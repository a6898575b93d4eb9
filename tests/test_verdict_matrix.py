"""The thesis' verdicts as the ledger prints them, Cohen's kappa by hand, and maps whose place is known."""

import math

import pandas as pd
import pytest
import torch

from xaiutils import claims
from xaiutils import verdict_matrix as vm

LEDGER = claims.load(claims.repository() / "data" / "claims" / "sanity_checks.yaml")
SHORT = {"GBP": "Guided Backprop", "GuidedGradCAM": "Guided Grad-CAM", "IxG": "Input x Gradient", "GradCAM": "Grad-CAM",
         "DeepLIFT-SG": "DeepLIFT + SmoothGrad", "IG": "Integrated Gradients", "IG-SG": "IG + SmoothGrad"}


def test_verdicts_are_those_that_the_ledger_quotes():
    quoted, thesis = LEDGER["thesis-method-matrix"].values, vm.printed()["randomization"]
    for word, names in (("fails", quoted["fail"]), ("slightly", quoted["slight"]), ("passes", quoted["pass"])):
        full = [SHORT.get(name, f"LRP {name}" if name[0] == "a" else name) for name in names]
        assert sorted(thesis.index[thesis == word]) == sorted(full)
    assert len(thesis) == 20 and list(thesis.index) == vm.titles()


def test_sixteen_rows_of_the_further_figures():
    rows = vm.rows_of_further_figures()
    assert rows[:12] == vm.titles()[:12] and rows[12:] == ["LRP a1b0", "LRP a2b1", "LRP a4b3", "RAP"]


def test_verdicts_of_a_run():
    """Guided Backprop scores 0.96 at the last layer and 0.98 and 0.5 below; all others 0.92 or, one picture, 0.2."""
    rows = [{"method": method, "test": test, "layer": layer, "depth": depth, "seed": seed, "image": image,
             "ledger": value if method == "Guided Backprop" else 0.2 if method == "Saliency" else 0.92}
            for method in vm.titles() for seed in (0, 1) for image in (0, 1)
            for test, layer, depth, value in (("cascading", "fc1", 1, 0.96), ("cascading", "conv1", 2, 0.1),
                                              ("independent", "fc1", 1, 0.98), ("independent", "conv1", 2, 0.5))]
    share = pd.DataFrame({method: [0.5, 0.75] if method == "Grad-CAM" else [0.5, 0.6] for method in vm.titles()})
    words, numbers = vm.judged(pd.DataFrame(rows), share)
    assert list(words.index) == list(numbers.index) == vm.titles()
    assert words.loc["Guided Backprop"].tolist() == ["fails", "passes", "no"]
    assert numbers.loc["Guided Backprop"].tolist() == pytest.approx([0.96, 0.74, 0.55])
    assert words.loc["Saliency"].tolist() == ["passes", "passes", "no"]
    assert words.loc["Grad-CAM"].tolist() == ["inconclusive", "inconclusive", "yes"]
    assert vm.judged(pd.DataFrame(rows), share, share_from=0.55)[0].loc["Saliency", "classes"] == "yes"


def test_words_by_two_thresholds():
    words = vm.words_of(pd.DataFrame({"a": [0.9, 0.92, 0.95], "b": [-1.0, 0.949, 1.0]}))
    assert words["a"].tolist() == words["b"].tolist() == ["passes", "inconclusive", "fails"]


def test_kappa_by_hand():
    # 20 methods, both judges fail 4, only the first 1, only the second 2: 17 of 20 agree;
    # by chance 5/20 6/20 + 15/20 14/20 = 240/400: kappa = (0.85 - 0.6) / 0.4 = 0.625
    first = ["fails"] * 5 + ["passes"] * 15
    second = ["fails"] * 4 + ["passes"] * 1 + ["fails"] * 2 + ["passes"] * 13
    assert vm.agreement(first, second) == 17
    assert vm.cohens_kappa(first, second) == pytest.approx(0.625, abs=1e-12)
    assert vm.cohens_kappa(second, first) == vm.cohens_kappa(first, second)


def test_kappa_of_three_words_by_hand():
    # agree on 3 of 4; by chance (2*1 + 1*2 + 1*1) / 16 = 5/16: kappa = (12 - 5) / (16 - 5)
    assert vm.cohens_kappa(["a", "a", "b", "c"], ["a", "b", "b", "c"]) == pytest.approx(7 / 11, abs=1e-12)


def test_kappa_in_the_limits():
    words = ["fails", "passes", "passes"]
    assert vm.cohens_kappa(words, words) == 1
    assert vm.cohens_kappa(words, ["passes"] * 3) == pytest.approx(0, abs=1e-12)           # says the same whatever comes
    assert vm.cohens_kappa(["yes", "no"], ["no", "yes"]) == -1
    assert math.isnan(vm.cohens_kappa(["passes"] * 3, ["passes"] * 3))
    with pytest.raises(ValueError, match="second must have a word for each of first, got 2 for 3"):
        vm.cohens_kappa(words, words[:2])


def test_negative_share_adds_channels_first():
    maps = torch.zeros(2, 3, 1, 4)
    maps[0, 0, 0] = torch.tensor([3.0, -1, 2, 0])
    maps[0, 1, 0] = torch.tensor([0.0, 0, -4, 0])                                          # sums 3, -1, -2, 0
    maps[1, 0, 0] = 1.0
    assert vm.negative_share(maps).tolist() == [0.5, 0]


def test_share_in_own_half():
    left = torch.tensor([[True, True, False, False]])
    for_left = torch.tensor([3.0, 1, 4, -5]).view(1, 1, 1, 4)                              # 4 of 8 on the left
    for_right = torch.tensor([0.0, 1, 2, 1]).view(1, 1, 1, 4)                              # 3 of 4 on the right
    assert vm.share_in_own_half([for_left, for_right], left).tolist() == [[0.5, 0.75]]
    assert vm.share_in_own_half([-for_left.abs(), for_right], left).tolist() == [[4 / 13, 0.75]]   # nowhere above 0
    assert vm.share_in_own_half([0 * for_left, for_right], left).tolist() == [[0.5, 0.75]]         # says nothing


def test_composites_leave_pairs_of_one_class_out():
    class Brightness(torch.nn.Module):
        """Class 1 where the picture is brighter than grey."""
        input_size = 32

        def forward(self, x):
            mean = x.mean((1, 2, 3))
            return torch.stack([0.5 - mean, mean - 0.5], 1)

    inputs, left, classes = vm.two_class_pictures(Brightness(), "embedded", 6)
    assert inputs.shape[1:] == (3, 32, 32) and left[:, :16].all() and not left[:, 16:].any()
    assert 1 <= len(inputs) <= 6 and (classes[0] != classes[1]).all() and len(classes[0]) == len(inputs)
