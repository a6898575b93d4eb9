"""Features in two dimensions, where angles can be drawn, and the plane by its singular values."""

from itertools import permutations

import pytest
import toys
import torch

from xaiutils.core import make_generator
from xaiutils.methods.pixel_dropping import draw_masks, suppress, suppressed_value
from xaiutils.metrics.diversity import feature_alignment, feature_diversity, feature_plane
from xaiutils.metrics.paths import feature_path


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=make_generator(seed), dtype=torch.float64)


def test_diversity_by_hand():
    # cosines of right, up, left: 0, 0, -1
    assert feature_diversity(torch.tensor([[1.0, 0.0], [0.0, 5.0], [-2.0, 0.0]])) == pytest.approx(4 / 3)
    assert feature_diversity(torch.eye(4)) == pytest.approx(1)
    assert feature_diversity(torch.tensor([[1.0, 2.0], [2.0, 4.0], [0.5, 1.0]])) == pytest.approx(0, abs=1e-12)


def test_diversity_is_its_mean_over_pairs():
    features = normal(6, 5)
    pairs = [torch.cosine_similarity(features[s], features[r], dim=0) for s, r in permutations(range(6), 2)]
    assert feature_diversity(features) == pytest.approx(1 - torch.stack(pairs).mean().item(), abs=1e-12)


def test_alignment_is_the_cosine_of_the_centres():
    features = torch.tensor([[2.0, 0.0], [0.0, 2.0]])                              # centre (1, 1)
    assert feature_alignment(features, torch.tensor([[3.0, 0.0]])) == pytest.approx(0.5**0.5)
    assert feature_alignment(features, 7 * features) == pytest.approx(1)
    assert feature_alignment(features, -features) == pytest.approx(-1)


def test_in_two_dimensions_the_plane_keeps_all_distances():
    features = {"first": normal(7, 2), "second": 3 * normal(4, 2, seed=1) + 1}
    clouds, unit = feature_plane(features), torch.cat(list(features.values()))
    unit = unit / unit.norm(dim=1, keepdim=True)
    placed = torch.cat([cloud.points for cloud in clouds.values()])
    torch.testing.assert_close(torch.cdist(placed, placed), torch.cdist(unit, unit), rtol=0, atol=1e-7)
    torch.testing.assert_close(placed.mean(0), torch.zeros(2).double(), rtol=0, atol=1e-12)
    for kind, rows in (("first", unit[:7]), ("second", unit[7:])):
        assert len(clouds[kind].points) == len(rows)
        torch.testing.assert_close(clouds[kind].centre, clouds[kind].points.mean(0))
        on_a_circle = (1 - rows.mean(0).norm() ** 2).sqrt()                        # of radius 1 about another centre
        assert clouds[kind].spread == pytest.approx(on_a_circle.item())


def test_in_more_dimensions_it_is_the_plane_of_the_largest_singular_values():
    features = normal(20, 8) * torch.arange(1.0, 9)
    unit = features / features.norm(dim=1, keepdim=True)
    left, values, _ = torch.linalg.svd(unit - unit.mean(0), full_matrices=False)
    placed = feature_plane({"all": features}, n_components=3)["all"].points
    torch.testing.assert_close(placed.abs(), (left * values)[:, :3].abs(), rtol=1e-9, atol=1e-10)


def test_samples_of_a_network_from_pixels_to_the_plane():
    model, x = toys.cnn(), toys.images(1)[0]
    fill = suppressed_value(model, x[None], 0.0)
    features = {prob: feature_path(model, suppress(x, draw_masks((8, 8), 30, prob), fill)) for prob in (0.02, 0.5)}
    assert feature_diversity(features[0.02]) < feature_diversity(features[0.5])
    whole = feature_path(model, x[None])
    assert feature_alignment(features[0.02], whole) > feature_alignment(features[0.5], whole)
    clouds = feature_plane(features)
    assert clouds[0.02].spread < clouds[0.5].spread
    none = feature_path(model, suppress(x, torch.zeros(5, 8, 8, dtype=torch.bool), fill))
    assert feature_diversity(none) == pytest.approx(0, abs=1e-12)
    assert feature_alignment(none, whole) == pytest.approx(1, abs=1e-12)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"features must have at least two rows, got shape \(1, 3\)"):
        feature_diversity(torch.ones(1, 3))
    with pytest.raises(ValueError, match="features must have no row of zeros, got one at 1"):
        feature_diversity(torch.tensor([[1.0, 0.0], [0.0, 0.0]]))
    with pytest.raises(ValueError, match=r"features must be \(S, F\), got shape \(2, 3, 4\)"):
        feature_diversity(torch.ones(2, 3, 4))
    with pytest.raises(ValueError, match=r"reference must be \(R, 3\) as features, got shape \(2, 4\)"):
        feature_alignment(torch.ones(2, 3), torch.ones(2, 4))
    with pytest.raises(ValueError, match="the mean of features must have no row of zeros"):
        feature_alignment(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), torch.ones(1, 2))
    with pytest.raises(ValueError, match="features must have more than n_components=2 rows in all, got 2"):
        feature_plane({"one": torch.ones(1, 3), "two": torch.ones(1, 3)})
    with pytest.raises(ValueError, match=r"features\['one'\] must have no row of zeros, got one at 0"):
        feature_plane({"one": torch.zeros(3, 3)})
