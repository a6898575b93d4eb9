"""The ledger of the thesis' claims: those of the notebooks that exist, every closed form in it recomputed."""

import itertools
import math
import re

import pytest
import torch

from xaiutils import claims, groups, notebooks, verdict_matrix
from xaiutils.methods.shapley import exact_shapley

LEDGER = claims.load(claims.repository() / "data" / "claims" / "sanity_checks.yaml")
COUNTS = {  # notebook -> claims it reports
    "ch6_shapley_values": 28,
    "ch6_kernelshap_and_deepshap": 10,
    "ch6_dasp": 6,
    "ch4_gradient_rules": 20,
    "ch4_lrp_and_rap": 12,
    "ch4_deeplift": 10,
    "ch5_rank_one_convergence": 14,
    "ch7_1_functional_relu": 4,
    "ch7_1_training": 23,
    "ch4_path_methods_and_axioms": 15,
    "ch4_smoothing_and_rectgrad": 11,
    "ch4_occlusion_and_lime": 9,
    "ch5_protocol_and_ssim": 8,
    "ch5_bottleneck_and_recovery": 4,
    "ch7_3_class_insensitivity": 17,
    "ch7_2_group4_lrp_and_rap": 11,
    "ch7_2_group2_deeplift": 11,
    "ch7_2_group3_path_methods": 11,
    "ch4_cam_family": 17,
    "ch2_background": 26,
    "ch7_2_group1_gradients": 19,
    "ch7_4_verdicts_and_more_images": 7,
}
MISSING = {"thesis-captum-only-shap", "thesis-gradientshap-captum-only", "thesis-rap-first-validation",  # claims that no run can decide
           "thesis-figures-only-values"}
EARLY = {"thesis-kernelshap-efficiency", "thesis-lrp-alphabeta-magnitude",
         "thesis-ig-riemann", "thesis-multi-baseline-average",
         "thesis-lime-local-easier", "thesis-sgd-oscillates",
         "thesis-minibatch-faster", "thesis-momentum-update",
         "thesis-nesterov-update"}  # orderings and trends that a toy decides
RECOMPUTED = set()


def recomputed(name):
    """The closed forms of a claim, and a note that a test has read them."""
    RECOMPUTED.add(name)
    return LEDGER[name].recomputed


def test_the_ledger_holds_the_claims_of_the_notebooks_that_exist():
    found = {name: sum(claim.notebook == f"sanity_checks/{name}" for claim in LEDGER.values()) for name in COUNTS}
    assert found == COUNTS and len(LEDGER) == sum(COUNTS.values())
    assert {f"sanity_checks/{name}" for name in COUNTS} <= set(notebooks.names())
    assert all(name.startswith("thesis-") for name in LEDGER)
    assert {claim.id for claim in LEDGER.values() if claim.rule is None} == MISSING


def test_every_rule_is_a_sentence():
    for claim in LEDGER.values():
        if claim.rule:
            assert re.fullmatch(r"[a-zA-Z].*\S", str(claim.build_rule())), claim.id


def test_orderings_and_trends_are_never_decided_below_medium():
    early = {claim.id for claim in LEDGER.values() if claim.kind in ("ordering", "trend") and claim.scale in ("toy", "small")}
    assert early == EARLY


def test_weights_of_four_players_by_both_formulas():
    found = recomputed("thesis-shapley-formula")
    weights = [math.factorial(s) * math.factorial(3 - s) / math.factorial(4) for s in range(4)]
    assert [float(value) for value in found["weights_N4"]] == pytest.approx(weights, abs=1e-6)
    assert sum(w * math.comb(3, s) for s, w in enumerate(weights)) == pytest.approx(float(found["sum"]))


def test_airport_game_by_all_orders():
    fares, shares = (6, 12, 42, 50), [0.0] * 4
    for order in itertools.permutations(range(4)):
        paid = 0
        for rider in order:
            shares[rider] += max(fares[rider] - paid, 0) / 24
            paid = max(paid, fares[rider])
    assert shares == pytest.approx([float(value) for value in recomputed("thesis-taxi-phi-d")["airport_example"]])


def test_one_fixed_order_is_not_symmetric():
    worth = {(): 0, (0,): 0, (1,): 0, (0, 1): 1}
    marginals = [worth[(0,)] - worth[()], worth[(0, 1)] - worth[(0,)]]
    assert marginals == [int(value) for value in recomputed("thesis-monotonicity-implies-symmetry")["counterexample"]]


def test_the_printed_weight_of_three_players():
    found, size = recomputed("thesis-shap-unique-formula"), 3
    printed = [math.factorial(k) * math.factorial(size - k - 1) / 6 for k in (1, 2)]
    correct = [math.factorial(k - 1) * math.factorial(size - k) / 6 for k in (1, 2, 3)]
    assert [float(value) for value in found["printed_M3"][:2]] == pytest.approx(printed, abs=5e-5)
    assert [float(value) for value in found["correct_M3"]] == pytest.approx(correct, abs=5e-5)
    game = torch.tensor([0, 1, 2, 5, 3, 4, 8, 13.0], dtype=torch.float64)                # rows by bits
    by_hand = sum(correct[bin(row).count("1") - 1] * (game[row] - game[row & ~1]).item() for row in (1, 3, 5, 7))
    assert by_hand == pytest.approx(exact_shapley(lambda present: game, 3)[0].item())


def test_kernel_weights_of_four_players():
    weights = [3 / (math.comb(4, k) * k * (4 - k)) for k in (1, 2, 3)]
    assert [float(value) for value in recomputed("thesis-kernelshap-weight")["M4"]] == weights


def test_sums_of_relevance_go_with_alpha_minus_beta():
    found = recomputed("thesis-lrp-alphabeta-conservative")
    for (alpha, beta), name in (((0, 1), "ratio alpha 0, beta 1"), ((1, 1), "ratio alpha 1, beta 1")):
        up, down = [0.75, 0.25], [0.5, 0.5]                                                # shares of each kind add up to 1
        assert float(found[name]) == alpha * sum(up) - beta * sum(down)


def test_the_epsilon_rule_shares_by_all_weights():
    contributions = [1 * 3, 2 * -1]
    assert float(recomputed("thesis-lrp-eps-rule")["second input, all weights"]) == contributions[1] / sum(contributions)


def test_shares_of_the_minimum_of_two():
    def shapley(a, b):
        return [0.5 * min(a, 0) + 0.5 * (min(a, b) - min(0, b)), 0.5 * min(0, b) + 0.5 * (min(a, b) - min(a, 0))]

    def rescale(a, b):
        slope = max(a - b, 0) / (a - b)                                                   # of i1 - relu(i1 - i2)
        return [a * (1 - slope), b * slope]

    for name, rule in (("thesis-rescale-min", rescale), ("thesis-revealcancel-min", shapley)):
        for pair, shares in recomputed(name).items():
            assert [float(share) for share in shares] == pytest.approx(rule(*map(int, pair.strip("()").split(","))))


def test_the_cone_of_the_counterexample_stays_open_though_its_rank_falls_to_one():
    found, matrix = recomputed("thesis-cone-shrinks"), torch.tensor([[1.0, 1], [0, 2]], dtype=torch.float64)
    power = torch.linalg.matrix_power(matrix, 40)
    assert float(found["counterexample_cos"]) == pytest.approx(torch.cosine_similarity(*power.T, dim=0).item(), abs=5e-5)
    largest, second = torch.linalg.svdvals(power).tolist()
    assert float(found["counterexample_ratio"]) == pytest.approx(second / largest, rel=0.02)


def test_the_identity_never_comes_near_rank_one():
    values = torch.linalg.svdvals(torch.linalg.matrix_power(torch.eye(32, dtype=torch.float64), 10))
    assert float(recomputed("thesis-theorem1")["identity"]) == (values[1] / values[0]).item()


def test_two_writings_of_one_function():
    found, relu = recomputed("thesis-implementation-invariance"), lambda z: max(z, 0.0)
    # f = relu(relu(x1 - 1) - relu(x2)), g = relu(relu(x1) - 1 - relu(x2)), from (0, 0) to (3, 1): slopes of the secants
    outer_f, inner_f = (1 - 0) / (relu(2) - relu(1) - 0), (relu(2) - relu(-1)) / (2 - -1)
    outer_g, inner_g = (1 - 0) / (1 - -1), (relu(3) - 0) / 3
    assert [float(v) for v in found["DeepLIFT f"]] == pytest.approx([3 * inner_f * outer_f, -1 * outer_f])
    assert [float(v) for v in found["DeepLIFT g"]] == pytest.approx([3 * inner_g * outer_g, -1 * outer_g])
    open_from = 0.5                                                                       # 3a - 1 - a > 0: gradient (1, -1)
    assert [float(v) for v in found["IG"]] == pytest.approx([3 * (1 - open_from), -1 * (1 - open_from)])


def test_a_baseline_that_is_the_input_takes_half_of_the_sum():
    """IG of a linear score adds up to w (x - x'): w x from 0, and 0 from x itself."""
    w, x = torch.tensor([2.0, -1.0]), torch.tensor([1.0, 3.0])
    total = sum((w * (x - start)).sum() for start in (torch.zeros(2), x)) / 2
    assert float(recomputed("thesis-gradientshap-baselines")["expected_sum_ratio"]) == (total / (w * x).sum()).item()


def test_background_numbers():
    sigmoid, printed = (lambda x: 1 / (1 + math.exp(-x))), (lambda x: 1 / (1 - math.exp(-x)))
    found = recomputed("thesis-sigmoid-formula")
    expected = {"at 1": sigmoid(1), "at -1": sigmoid(-1), "printed at 1": printed(1), "printed at -1": printed(-1)}
    assert {name: float(value) for name, value in found.items()} == pytest.approx(expected, abs=5e-4)
    units = [4, 5, 6, 3]                                                                  # of layers 1 to 4
    assert int(recomputed("thesis-affine-shapes")["entries of b for l = 2, n_2 = 5"]) == units[2 - 1]
    assert int(recomputed("thesis-conv-filter-shape")["weights per filter"]) == 5 * 5 * 3
    sizes = recomputed("thesis-conv-fewer-parameters")
    assert int(sizes["convolution 3x3, 64 maps"]) == 64 * (3 * 3 * 3 + 1)
    assert int(sizes["dense layer"]) == 64**3 * (64 * 64 * 3 + 1)


def test_receptive_fields_of_table_7_1():
    fields, field, jump = [], 1, 1
    for stack in (2, 2, 3, 3):
        for _ in range(stack):
            field += 2 * jump
            fields.append(field)
        field, jump = field + jump, 2 * jump                                              # a pooling of 2 x 2
    assert [int(value) for value in recomputed("thesis-receptive-field")["conv1 to conv10"]] == fields


def test_parameters_of_both_networks_of_table_7_1():
    def parameters(convs, dense, side, batchnorm=False):
        """Weights and biases; two more of each channel and unit where BatchNorm follows, which the last layer has not."""
        channels, units = [3, *convs], [convs[-1] * side**2, *dense]
        conv = sum(9 * a * b + b for a, b in itertools.pairwise(channels))
        fc = sum(a * b + b for a, b in itertools.pairwise(units))
        return conv + fc + batchnorm * 2 * (sum(convs) + sum(dense[:-1])), fc

    convs, dense = ([int(size) for size in LEDGER["thesis-vgg16-original"].values[kind]] for kind in ("conv", "fc"))
    assert int(recomputed("thesis-vgg16-original")["params"]) == parameters(convs, dense, 224 // 2**5)[0]
    found, names = recomputed("thesis-vgg16-modified"), {1: "params_full", 2: "params_half"}
    convs, dense = ([int(size) for size in LEDGER["thesis-vgg16-modified"].values[kind]] for kind in ("conv", "fc"))
    for part, name in names.items():
        sizes = [size // part for size in convs], [*(size // part for size in dense[:-1]), dense[-1]], 64 // 2**4
        assert int(found[name]) == parameters(*sizes)[0] and int(found[f"{name}_bn"]) == parameters(*sizes, batchnorm=True)[0]
    total, fc = parameters(convs, dense, 64 // 2**4)
    shares = recomputed("thesis-fc-most-parameters")
    assert int(shares["fc_params"]) == fc and float(shares["share_pct"]) == round(100 * fc / total, 1)


def test_layers_of_table_7_1_that_a_rectifier_follows():
    layers = {name: LEDGER[f"thesis-vgg16-{name}"].values for name in ("modified", "original")}
    found = recomputed("thesis-relu-hidden")
    for name, sizes in layers.items():
        assert int(found[f"relu_{name}"]) == len(sizes["conv"]) + len(sizes["fc"]) - 1
    norms = recomputed("thesis-batchnorm-placement")
    assert int(norms["bn2d"]) == len(layers["modified"]["conv"]) and int(norms["bn1d"]) == len(layers["modified"]["fc"]) - 1
    kernel = int(LEDGER["thesis-conv-settings"].values["kernel"])
    assert int(recomputed("thesis-conv-settings")["padding"]) == (kernel - 1) // 2        # 64 + 2 p - (kernel - 1) = 64


def test_what_the_printed_schedule_is_worth():
    printed, found = LEDGER["thesis-lr-schedule"].values, recomputed("thesis-lr-schedule")
    rate, factor, every = float(LEDGER["thesis-sgd-settings"].values["lr"]), float(printed["factor"]), int(printed["every_epochs"])
    best = int(LEDGER["thesis-early-stopping"].values["best_epoch"])
    assert float(found["literal_lr_epoch25"]) == pytest.approx(rate * factor ** ((best - 1) // every), rel=0.01)
    assert float(found["sum_lr_epochs_literal"]) == pytest.approx(every * rate / (1 - factor))    # a geometric series


def test_four_fifths_of_the_training_pictures():
    sizes, found = LEDGER["thesis-tiny-imagenet-size"].values, recomputed("thesis-split-80-20")
    classes, training = int(sizes["classes"]), int(sizes["train_per_class"])
    assert int(found["train"]) == 0.8 * classes * training and int(found["val"]) == 0.2 * classes * training
    assert int(found["test"]) == classes * int(sizes["val_per_class"])


def test_the_four_groups_have_the_sizes_of_the_thesis():
    made = [groups.gradients(), groups.deeplift(), groups.paths(), groups.relevance()]
    assert [int(size) for size in recomputed("thesis-groups")["group_sizes"]] == [len(group) for group in made]


def test_how_many_maps_the_thesis_needs():
    methods, layers, images = len(verdict_matrix.titles()), 10 + 3, int(LEDGER["thesis-sanity-images-seeds"].values["images"])
    seeds = int(LEDGER["thesis-sanity-images-seeds"].values["seeds"])
    assert int(recomputed("thesis-runtime-day")["maps"]) == methods * 2 * layers * seeds * images      # both tests
    grid = recomputed("thesis-additional-figures")
    assert int(grid["rows"]) == len(verdict_matrix.rows_of_further_figures())
    assert int(grid["columns"]) == 1 + layers and int(grid["grids_recovered_in_text"]) == images - 1   # all but the German shepherd


def test_every_closed_form_has_its_test():
    """Runs last: the tests above note which closed forms they read."""
    assert {claim.id for claim in LEDGER.values() if claim.recomputed} == RECOMPUTED
