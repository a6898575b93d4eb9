"""AGI against hand-computed paths, a slow second writing and the authors' released code."""

import pytest
import toys
import torch

from xaiutils import datasets, models
from xaiutils.methods import AGI

MODES = {"logit_anchored": ("official", "prob"), "dblsoft_anchored": ("official", "double_softmax"),
         "logit_cumulative": ("paper", "prob")}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("max_steps", [1, 20])
@pytest.mark.parametrize("image", [0, 1, 2])
def test_the_released_code_is_met_map_by_map_and_step_by_step(mode, max_steps, image):
    arrays = toys.golden("agi_cnn_f64")
    (path, output), key = MODES[mode], f"x{image}.T{max_steps}.{mode}"
    method = AGI(toys.golden_cnn(arrays), output=output)
    x, options = arrays["x"][image:image + 1].double(), {"max_steps": max_steps, "path": path}
    classes = arrays[f"x{image}.classes"].tolist()
    walks = method.explain(x, "pred", false_classes=classes, **options)[0]
    torch.testing.assert_close(torch.stack([w.individual for w in walks]), arrays[f"{key}.per_class"], rtol=1e-9, atol=1e-15)
    assert [walk.steps for walk in walks] == arrays[f"{key}.steps"].tolist()
    summed = method.attribute(x, "pred", false_classes=classes, **options)[0]
    torch.testing.assert_close(summed, arrays[f"{key}.sum"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("mode", ["anchored", "cumulative"])
def test_the_points_on_the_way_are_those_of_the_released_code(mode):
    arrays = toys.golden("agi_cnn_f64")
    path = MODES[f"logit_{mode}"][0]
    x, first = arrays["x"][:1].double(), arrays["x0.classes"][:1]
    walk = AGI(toys.golden_cnn(arrays)).explain(x, "pred", false_classes=first, max_steps=1, path=path)[0][0]
    torch.testing.assert_close(walk.points[1], arrays[f"trace.{mode}.0.x"], rtol=1e-9, atol=0)
    torch.testing.assert_close(walk.individual, arrays[f"trace.{mode}.0.delta"], rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("number", [0, 6])
def test_photographs_meet_the_released_code_as_long_as_float32_allows(number):
    arrays = toys.golden("agi_lite0")
    x = datasets.photographs(7).inputs[number:number + 1]
    method = AGI(models.load("efficientnet-lite0", fold_batchnorm=False))
    one, two = (method.attribute(x, "pred", false_classes=arrays["classes"], max_steps=m)[0] for m in (1, 2))
    released = arrays[f"sum_{number}_T1"], arrays[f"sum_{number}_T2"]
    # where a gradient is 0 up to rounding its sign is chance: a handful of the 150,528 values after one step
    flipped = (one - released[0]).abs() > 1e-5 * released[0].abs().max()
    assert flipped.sum() <= 5
    assert (one - released[0])[~flipped].norm() / released[0].norm() < 1e-5
    assert (two - released[1]).norm() / released[1].norm() < 2e-3


def test_on_a_linear_model_it_is_minus_steps_times_weights():
    model, x = toys.linear([2.0, 1.0], [-1.0, 3.0]), torch.tensor([[1.0, 0.4]], dtype=torch.float64)
    # scores 2.4 and 0.2; each 0.1-step costs the target 0.1 and gives the rival 0.4: flipped after 5 steps
    options = {"false_classes": [1], "step_size": 0.1, "path": "paper"}
    attributions, delta = AGI(model, output="logit").attribute(x, 0, return_convergence_delta=True, **options)
    torch.testing.assert_close(attributions, torch.tensor([[1.0, -0.5]], dtype=torch.float64))  # -5 * 0.1 * w_t * sign(w_r)
    assert attributions.sum().item() == pytest.approx(2.4 - 1.9)  # completeness: what f_t lost
    assert delta.item() == pytest.approx(0, abs=1e-12)


def test_the_official_path_never_leaves_the_box_around_the_image():
    model, x = toys.linear([2.0, 1.0], [-1.0, 3.0]), torch.tensor([[0.5, 0.4]], dtype=torch.float64)
    walk = AGI(model, output="logit").explain(x, 0, false_classes=[1], step_size=0.01, max_steps=4)[0][0]
    # every step restarts at x: the same point four times, and four times its contribution
    assert all(torch.equal(point, walk.points[1]) for point in walk.points[1:]) and walk.steps == 4
    torch.testing.assert_close(walk.individual, torch.tensor([4 * 0.01 * 2.0, -4 * 0.01 * 1.0], dtype=torch.float64))


def test_without_points_the_individual_maps_are_the_same():
    method, x = AGI(toys.cnn()), toys.images(1)
    kept, left = (method.explain(x, "pred", n_false=3, keep_points=keep)[0] for keep in (True, False))
    assert [walk.points for walk in left] == [[], [], []] and all(len(walk.points) == walk.steps + 1 for walk in kept)
    assert all(torch.equal(a.individual, b.individual) and torch.equal(a.x, b.x) for a, b in zip(kept, left))


def agi_by_loops(model, x, target, false_class, step_size, max_steps, official):
    """The algorithm for one image and one class, as plainly as it can be written."""
    point, total = x.clone(), torch.zeros_like(x)
    for _ in range(max_steps):
        point = point.detach().requires_grad_()
        probabilities = model(point[None]).softmax(1)[0]
        if probabilities.argmax() == false_class:
            break
        grad_false, = torch.autograd.grad(probabilities[false_class], point, retain_graph=True)
        grad_target, = torch.autograd.grad(probabilities[target], point)
        anchor = x if official else point.detach()
        stepped = (anchor + step_size * grad_false.sign()).clamp(0, 1)
        total -= grad_target * (stepped - anchor)
        point = stepped
    return total


@pytest.mark.parametrize("path", ["official", "paper"])
def test_a_second_slow_writing_agrees(path):
    model, images, target = toys.cnn(), toys.images(), [1, 0, 4]
    fast = AGI(model).attribute(images, target, n_false=3, path=path, seed=1, internal_batch_size=2)
    drawn = torch.randperm(5, generator=torch.Generator().manual_seed(1)).tolist()
    for k, t in enumerate(target):
        classes = [c for c in drawn if c != t][:3]
        slow = sum(agi_by_loops(model, images[k], t, c, 0.05, 20, path == "official") for c in classes)
        torch.testing.assert_close(fast[k], slow, rtol=1e-9, atol=1e-12)


def test_completeness_improves_with_the_step_as_first_order_should():
    model, images = toys.mlp(3 * 64, 4), toys.images()
    gaps = []
    for step_size in (4e-3, 2e-3, 1e-3):
        _, delta = AGI(model).attribute(images, "pred", path="paper", direction="l2", step_size=step_size, max_steps=4000,
                                        bounds=None, return_convergence_delta=True)
        gaps.append(delta.abs().mean().item())
    assert gaps[0] / gaps[1] == pytest.approx(2, rel=0.2) and gaps[1] / gaps[2] == pytest.approx(2, rel=0.2)


def test_the_straight_path_is_integrated_gradients_from_the_end_point():
    model, images = toys.mlp(3 * 64, 4), toys.images(1)
    walk = AGI(model).explain(images, "pred", n_false=1, path="paper", step_size=0.02)[0][0]
    straight, delta = AGI(model).attribute(images, "pred", n_false=1, path="straight", step_size=0.02, return_convergence_delta=True)
    alphas = ((torch.arange(walk.steps, dtype=torch.float64) + 0.5) / walk.steps).view(-1, 1, 1, 1)
    line = (walk.x + alphas * (images[0] - walk.x)).requires_grad_()
    predicted = model(images).argmax(1).item()
    gradient, = torch.autograd.grad(model(line).softmax(1)[:, predicted].sum(), line)
    torch.testing.assert_close(straight[0], (images[0] - walk.x) * gradient.mean(0))
    change = (model(images).softmax(1) - model(walk.x[None]).softmax(1))[0, predicted]
    assert delta.item() == pytest.approx(straight.sum().item() - change.item(), abs=1e-12)


def test_draws_are_nested_and_never_hold_the_target():
    model, images = toys.cnn(), toys.images()
    classes = {n: [[w.false_class for w in walks] for walks in AGI(model).explain(images, [1, 0, 4], n_false=n, max_steps=1)]
               for n in (2, 3, 20)}
    assert all(three[:2] == two for two, three in zip(classes[2], classes[3]))
    assert [sorted(drawn) for drawn in classes[20]] == [[0, 2, 3, 4], [1, 2, 3, 4], [0, 1, 2, 3]]


def test_with_all_false_classes_the_seed_does_not_matter():
    model, images = toys.cnn(), toys.images()
    first, second = (AGI(model).attribute(images, "pred", seed=seed) for seed in (0, 1))
    torch.testing.assert_close(first, second, rtol=1e-12, atol=1e-14)


def test_one_step_of_each_path_is_the_same_and_the_target_adds_nothing():
    model, images = toys.cnn(), toys.images()
    official, paper = (AGI(model).attribute(images, "pred", path=p, max_steps=1) for p in ("official", "paper"))
    torch.testing.assert_close(official, paper)
    predicted = model(images[:1]).argmax().item()
    assert AGI(model).attribute(images[:1], "pred", false_classes=[predicted]).abs().max() == 0
    assert AGI(model).attribute(images[:1], (predicted + 1) % 5, false_classes=[predicted]).abs().max() == 0  # already there


@pytest.mark.parametrize("options, message", [
    ({"path": "curved"}, "path must be one of official, paper, straight, got 'curved'"),
    ({"direction": "up"}, "direction must be one of sign, l2, raw, got 'up'"),
    ({"step_size": 0.0}, "step_size must be positive"), ({"max_steps": 0}, "max_steps must be a positive integer"),
    ({"n_false": 0}, "n_false must be at least 1"), ({"false_classes": [7]}, r"false_classes must lie in 0 \.\.\. 4"),
    ({"false_classes": [[1], [2]]}, r"false_classes must be integers \(F,\) or \(3, F\)"),
    ({"return_convergence_delta": True}, 'refused for path="official"'),
])
def test_wrong_options_are_refused_by_name(options, message):
    with pytest.raises(ValueError, match=message):
        AGI(toys.cnn()).attribute(toys.images(), "pred", **options)
