"""Credible path: golden numbers, both algorithms a second time by loops, the paper's examples, and hard images."""

import pytest
import toys
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from xaiutils.methods import CredibleIntegratedGradients, IntegratedGradients
from xaiutils.methods.credible_baseline import Search

GOLDEN, NET = toys.golden("credible_path_reference"), toys.golden_cnn(toys.golden("agi_cnn_f64"))
X, TARGET = GOLDEN["x"][None], int(GOLDEN["target"])
VARIANTS = {"printed": {}, "prose": {"inequality": "prose"}, "scaled": {"compared": "scaled"},
            "nofilter": {"inequality": "none"}}
SHARES = {"printed": 65 / 768, "prose": 125 / 768, "scaled": 110 / 768, "nofilter": 0}  # 8 and 16 % in the notes


def close(ours, theirs):
    theirs = torch.as_tensor(theirs, dtype=ours.dtype).expand_as(ours)
    torch.testing.assert_close(ours.detach(), theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("divide_by, key", [("count", "attr"), ("steps", "attr_over_m")])
def test_golden_maps(variant, divide_by, key):
    method = CredibleIntegratedGradients(NET, divide_by=divide_by, **VARIANTS[variant])
    path = method.explain(X, GOLDEN["baseline"][None, None], TARGET, alphas=GOLDEN["alphas"])
    close(path.attributions[0], GOLDEN[f"alg2.{variant}.{key}"])
    assert torch.equal(path.accepted[0, 0], GOLDEN[f"alg2.{variant}.count"].double())
    assert path.share_rejected.item() == pytest.approx(SHARES[variant], abs=1e-12)


@pytest.mark.parametrize("step", range(5))
def test_golden_steps_of_algorithm_1_as_printed(step):
    found = CredibleIntegratedGradients(NET).compute_baseline(
        X, TARGET, start=GOLDEN["xp0"][None, None], objective="ce_label", constraint="printed", keep="last", epsilon=0,
        delta=0.06, step_size=0.02, max_iters=step + 1)
    close(found.baselines[0, 0], GOLDEN[f"alg1.literal.{step}"])
    assert found.share_close.item() > 0                                    # lines 4 to 6 do not keep what they promise


@pytest.mark.parametrize("step", range(5))
def test_golden_steps_of_algorithm_1_repaired(step):
    search, xp = Search(delta=0.06, step_size=0.02), GOLDEN["xp0"][None]
    for _ in range(step + 1):
        xp = xp.detach().requires_grad_()
        gradient, = torch.autograd.grad(cross_entropy(NET(xp), torch.tensor([TARGET])), xp)
        xp = search.step(X, xp, gradient)
    close(xp[0], GOLDEN[f"alg1.repaired.{step}"])


def baseline_by_loops(model, x, xp, delta, eta, eps, max_iters):
    """Algorithm 1 as repaired, one image, one pixel at a time; the closest point and how many steps it took."""
    def apart(xp):
        xp = xp.clone().flatten()
        for i, own in enumerate(x.flatten()):
            if abs(own - xp[i]) < delta:
                xp[i] += -delta if own >= xp[i] else delta
            xp[i] = min(max(xp[i], 0.0), 1.0)
            if abs(own - xp[i]) < delta:
                xp[i] = own + delta if own + delta <= 1 else own - delta
        return xp.view_as(x)
    wanted, xp, visited = model(x).detach(), apart(xp), []
    for k in range(max_iters + 1):
        xp = xp.detach().requires_grad_()
        squared = (model(xp) - wanted).square().sum()
        visited.append((squared.sqrt().item(), k, xp.detach()))
        if squared.sqrt() <= eps * wanted.norm():
            break
        xp = apart(xp.detach() - eta * torch.autograd.grad(squared, xp)[0].sign())
    return min(visited, key=lambda point: point[:2])


@pytest.mark.parametrize("epsilon", [0.3, 0.0])                            # ends early, and at the cap
def test_algorithm_1_by_loops(epsilon):
    model, images, starts = toys.cnn(), toys.images(2), toys.images(6, seed=1).view(2, 3, 3, 8, 8)
    found = CredibleIntegratedGradients(model).compute_baseline(images, start=starts, epsilon=epsilon, max_iters=12,
                                                                step_size=0.02)
    for n in range(2):
        for b in range(3):
            residual, steps, xp = baseline_by_loops(model, images[n:n + 1], starts[n, b][None], 0.05, 0.02, epsilon, 12)
            close(found.baselines[n, b], xp[0])
            assert found.residual[n, b].item() == pytest.approx(residual) and found.n_iters[n, b] == steps
            assert found.trace[n, b, steps] == found.residual[n, b]


def maps_by_loops(model, x, baselines, target, alphas, printed):
    """Algorithm 2, one feature at a time; with ``printed`` rho is reset before it is compared."""
    def gradient(point):
        point = point.detach().requires_grad_()
        return torch.autograd.grad(model(point[None])[0, target], point)[0].flatten()
    parts = []
    for b, start in enumerate(baselines):
        rho, count = torch.zeros(x.numel(), dtype=x.dtype), torch.zeros(x.numel(), dtype=x.dtype)
        reference = rho if printed else gradient(x)
        for alpha in alphas[b]:
            on_path = gradient(start + alpha * (x - start))
            for i in range(x.numel()):
                if reference[i].sign() == on_path[i].sign() and reference[i].abs() > on_path[i].abs() + 1e-13:
                    rho[i] += on_path[i]
                    count[i] += 1
        parts.append((x - start).flatten() * (rho / count if printed else rho / count.clamp(min=1)))
    return torch.stack(parts).mean(0).view_as(x)


def test_algorithm_2_by_loops_and_as_printed():
    model, (x,), baselines = toys.cnn(), toys.images(1), toys.images(2, seed=1)
    alphas = torch.tensor([[0.1, 0.5, 0.9], [0.2, 0.3, 0.95]], dtype=torch.float64)
    ours = CredibleIntegratedGradients(model).attribute(x[None], baselines, 2, alphas=alphas)[0]
    close(ours, maps_by_loops(model, x, baselines, 2, alphas, printed=False))
    assert ours.abs().max() > 0 and maps_by_loops(model, x, baselines, 2, alphas, printed=True).isnan().all()


@pytest.mark.parametrize("inequality, accepted", [("printed", [0, 1, 0]), ("prose", [1, 0, 0]), ("sign", [1, 1, 0]),
                                                  ("none", [1, 1, 1])])
def test_what_the_inequality_accepts_on_a_parabola(inequality, accepted):
    # J = x^2 / 2 at x = 1, where J' = 1: compared with J' = 2 (absence), 0.5 (overshot presence) and -0.5 (beyond)
    points = torch.tensor([[[2.0], [0.5], [-0.5]]])
    method = CredibleIntegratedGradients(lambda x: x.square() / 2, inequality=inequality)
    path = method.explain(torch.ones(1, 1), points, 0, alphas=[0.0])
    assert path.accepted.flatten().tolist() == accepted
    assert path.share_rejected.tolist() == [[1 - a for a in accepted]]
    # (1 - x') J'(x') are -2, 0.25 and -0.75
    assert path.attributions.item() == pytest.approx(sum(a * v for a, v in zip(accepted, [-2, 0.25, -0.75])) / 3)


@pytest.mark.parametrize("inequality", ["printed", "prose"])
def test_a_linear_score_has_nothing_larger_or_smaller(inequality):
    model, (x, start) = toys.linear([1.0, -2.0, 0.5], [0.0, 1.0, 1.0]), toys.images(2)[:, :2, 0, :3]
    path = CredibleIntegratedGradients(model, inequality=inequality).explain(x, start[:, None], 0)
    assert not path.attributions.any() and path.share_rejected.tolist() == [[1.0], [1.0]]
    signs = CredibleIntegratedGradients(model, inequality="sign").attribute(x, start[:, None], 0)
    close(signs, (x - start) * torch.tensor([1.0, -2.0, 0.5]))


def test_without_a_filter_it_is_integrated_gradients_averaged_over_the_baselines():
    model, images = toys.cnn(), toys.images()
    method = CredibleIntegratedGradients(model, inequality="none")
    ours = method.attribute(images, ["black", 0.7], [1, 0, 4], n_steps=32, alphas="midpoints")
    ig = [IntegratedGradients(model).attribute(images, start, [1, 0, 4], n_steps=16, method="riemann_middle")
          for start in ("black", 0.7)]
    # Captum's weights, 1 / n_steps, are float32: 16 steps make them exact
    close(ours, sum(ig) / 2)


def test_completeness_without_the_filter_only():
    model, images = toys.mlp(192), toys.images()
    options = dict(target=[1, 0, 3], alphas="midpoints", max_iters=5, n_steps=1500, return_convergence_delta=True)
    attributions, delta = CredibleIntegratedGradients(model, inequality="none").attribute(images, **options)
    assert delta.abs().max() < 1e-5 * attributions.abs().sum((1, 2, 3)).min()
    _, coarse = CredibleIntegratedGradients(model, inequality="none").attribute(images, **{**options, "n_steps": 3})
    assert coarse.abs().min() > 10 * delta.abs().max()
    with pytest.raises(ValueError, match="return_convergence_delta is refused"):
        CredibleIntegratedGradients(model, inequality="sign").attribute(images, **options)


def test_steps_are_shared_by_the_baselines():
    method = CredibleIntegratedGradients(toys.cnn(), inequality="none")
    assert (method.explain(toys.images(), [0.0, 0.5, 1.0], 0, n_steps=8).accepted == 2).all()
    with pytest.raises(ValueError, match="n_steps must be an integer of at least 3, a step for each baseline, got 2"):
        method.attribute(toys.images(), [0.0, 0.5, 1.0], 0, n_steps=2)


def hard_images():
    """Flat areas at both bounds and between; black; white; grey; noise that is at one bound or the other."""
    flat = torch.full((3, 8, 8), 0.5).double()
    flat[:, :, :3], flat[:, 5:] = 0.0, 1.0
    noise = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(2), dtype=torch.float64).round()
    return torch.stack([flat, torch.zeros_like(flat), torch.ones_like(flat), torch.full_like(flat, 0.5), noise])


@pytest.mark.parametrize("delta", [0.05, 0.3, 0.5])
@pytest.mark.parametrize("keep", ["closest", "last"])
def test_the_constraint_holds_after_clipping(delta, keep):
    images = hard_images()
    options = dict(delta=delta, keep=keep, epsilon=0.01, max_iters=15)
    found = CredibleIntegratedGradients(toys.cnn()).compute_baseline(images, **options)
    assert (images[:, None] - found.baselines).abs().min() >= delta - 1e-15 and not found.share_close.any()
    assert found.baselines.min() >= 0 and found.baselines.max() <= 1
    printed = CredibleIntegratedGradients(toys.cnn()).compute_baseline(images, constraint="printed", **options)
    assert printed.share_close.amax() > 0.4


def test_a_constant_image():
    images = hard_images()[1:4]                                             # their blur is themselves
    held = CredibleIntegratedGradients(toys.cnn()).compute_baseline(images, max_iters=0)
    assert held.baselines[:, 0].flatten(1).unique(dim=1).flatten().tolist() == pytest.approx([0.05, 0.95, 0.45])
    assert (held.residual > 0).all()
    printed = CredibleIntegratedGradients(toys.cnn()).explain(images, target=0, constraint="printed")
    close(printed.found.baselines[:, 1], images)
    assert printed.found.residual.max() < 1e-12 and printed.attributions.abs().max() < 1e-12
    assert (printed.found.share_close == 1).all()


def test_lemma_1_passes_by_the_logits_it_looks_for():
    # logits are the two pixels. The cross entropy of class 0 raises the first and lowers the second for ever: from
    # (.4, .6) the distance to (.5, .5) is sqrt(2) |.1 - .03 k|, least at k = 3; the other objectives turn round there
    model = nn.Flatten().eval()
    x, start = torch.full((1, 1, 2), 0.5).double(), torch.tensor([[[[0.4, 0.6]]]], dtype=torch.float64)
    options = dict(start=start, delta=0, epsilon=0, step_size=0.03, max_iters=6)
    method = CredibleIntegratedGradients(model)
    label = method.compute_baseline(x, 0, objective="ce_label", **options)
    close(label.trace[0, 0] / 2**0.5, [0.1, 0.07, 0.04, 0.01, 0.02, 0.05, 0.08])
    assert label.n_iters.item() == 3
    close(method.compute_baseline(x, 0, objective="ce_label", keep="last", **options).baselines.flatten(), [0.58, 0.42])
    for objective in ("logit_l2", "ce_soft"):
        trace = method.compute_baseline(x, objective=objective, **options).trace[0, 0]
        close(trace / 2**0.5, [0.1, 0.07, 0.04, 0.01, 0.02, 0.01, 0.02])


def test_of_the_objectives_only_the_distance_of_logits_arrives():
    found = {name: CredibleIntegratedGradients(NET).compute_baseline(X, TARGET, objective=name, keep="last")
             for name in ("logit_l2", "ce_soft", "ce_label")}
    assert (found["logit_l2"].residual <= found["logit_l2"].limit[:, None]).all()
    assert (found["ce_soft"].residual > found["ce_soft"].limit[:, None]).all()
    assert (found["ce_label"].residual > found["ce_label"].trace[..., 0]).all()         # farther than the blurred image


def test_a_model_with_one_class():
    # score = sum of 4 pixels of 0.5: the baseline starts at 0.45 each, 0.2 too low, which is 0.1 of the score
    model, x = nn.Sequential(nn.Flatten(), toys.linear([1.0] * 4)).eval(), torch.full((1, 1, 2, 2), 0.5).double()
    found = CredibleIntegratedGradients(model).compute_baseline(x, sigmas=[1], max_iters=0)
    assert found.residual.item() == pytest.approx(0.2) and found.limit.item() == pytest.approx(0.2)
    signs = CredibleIntegratedGradients(model, inequality="sign").attribute(x, sigmas=[1], max_iters=0)
    close(signs, 0.05)                                                      # no target asked for
    for objective in ("ce_soft", "ce_label"):
        with pytest.raises(ValueError, match='objective must be "logit_l2" for a model with one class'):
            CredibleIntegratedGradients(model).attribute(x, objective=objective)


def two_pieces(x):
    """The function of Examples 1 and 2, with its jumps."""
    first, second = (x <= 1).all(1), (x > 1).all(1)
    return (first * (x[:, 0] + 4 * x[:, 1] + 1) + second * (4 * x[:, 0] + x[:, 1] + 2))[:, None]


def repaired(x):
    """The same pieces joined without a jump on the diagonal."""
    return (x[:, 0] + 4 * x[:, 1] + 1 + 3 * (x[:, 0] - 1).relu() - 3 * (x[:, 1] - 1).relu())[:, None]


POINTS = torch.tensor([[1.5, 1.5], [4.0, 4.0]]).double()


def example(function, baselines):
    method = CredibleIntegratedGradients(function, inequality="none")
    return method.attribute(POINTS, baselines, n_steps=1200, alphas="midpoints", return_convergence_delta=True)


def test_example_1():
    # on the diagonal the gradient is (1, 4) up to 1 and (4, 1) after: a third of 1.5 and three quarters of 4 lie after
    attributions, delta = example(two_pieces, 0.0)
    close(attributions, torch.tensor([[3.0, 4.5], [13.0, 7.0]]))
    close(delta, -1.0)                                                      # F jumps from 6 to 7 on the way
    printed = torch.tensor([[3.5, 6.5], [20.0, 19.0]])
    # the print takes the first piece for the whole way
    close(printed[0], torch.tensor([1.0, 4.0]) * 1.5 + torch.tensor([4.0, 1.0]) * 0.5)
    differences = (two_pieces(POINTS) - two_pieces(torch.zeros(2, 2)))[:, 0]
    assert differences.tolist() == [8.5, 21.0] and printed.sum(1).tolist() == [10.0, 39.0]
    attributions, delta = example(repaired, 0.0)
    close(attributions, torch.tensor([[3.0, 4.5], [13.0, 7.0]]))
    close(delta, 0.0)


def test_example_2():
    attributions, delta = example(two_pieces, 3.0)
    close(attributions, torch.tensor([[-6.0, -1.5], [4.0, 1.0]]))           # as printed
    close(delta, 0.0)
    attributions, _ = example(two_pieces, torch.tensor([[2.0, 3.0]]))
    close(attributions[1], [8.0, 1.0])                                      # a ratio of 8, not "always" 4


@pytest.mark.parametrize("options, message", [
    ({"delta": 0.6}, "delta must be at most 0.5, half the range of bounds, so that every pixel has room, got 0.6"),
    ({"delta": -1}, "delta must be >= 0, got -1"), ({"step_size": float("nan")}, "step_size must be >= 0, got nan"),
    ({"bounds": (1, 0)}, r"bounds must be \(lowest, highest\) or None, got \(1, 0\)"),
    ({"max_iters": 2.5}, "max_iters must be an integer >= 0, got 2.5"),
    ({"objective": "score"}, "objective must be one of logit_l2, ce_soft, ce_label, got 'score'"),
    ({"constraint": "none"}, "constraint must be one of held, printed, got 'none'"),
    ({"sigmas": ()}, r"sigmas must be one or more standard deviations >= 0, in pixels, got \(\)"),
    ({"bounds": (0.2, 1.0)}, r"inputs must lie in bounds=\(0.2, 1.0\), got 0.\d+ ... 0.99"),
    ({"alphas": "even"}, "alphas must be random, midpoints or numbers, got 'even'"),
    ({"alphas": torch.zeros(2, 4)}, r"alphas must be numbers \(S,\) or \(3, S\), got shape \(2, 4\)"),
    ({"baselines": torch.zeros(2, 3, 3, 8, 8)},
     r"baselines must be \(N, B, ...\) for inputs of shape \(3, 3, 8, 8\), got \(2, 3, 3, 8, 8\)"),
    ({"baselines": "blak"}, "baselines must be one of black"),
])
def test_wrong_arguments_are_refused_by_name(options, message):
    with pytest.raises(ValueError, match=message):
        CredibleIntegratedGradients(toys.cnn()).attribute(toys.images(), target=0, **options)


def test_wrong_variants_and_inputs_without_a_blur_are_refused():
    with pytest.raises(ValueError, match="inequality must be one of printed, prose, sign, none, got 'reversed'"):
        CredibleIntegratedGradients(toys.cnn(), inequality="reversed")
    with pytest.raises(ValueError, match=r"inputs must be \(N, C, H, W\) or \(N, C, L\) to be blurred, got .*2, 6"):
        CredibleIntegratedGradients(toys.mlp()).attribute(torch.ones(2, 6).double(), target=0)
    with pytest.raises(ValueError, match=r"start must be \(N, B, ...\) for inputs of .*, got \(3, 3, 8, 8\)"):
        CredibleIntegratedGradients(toys.cnn()).compute_baseline(toys.images(), start=toys.images())
