import numpy as np
import pytest
import torch
from toys import golden

from xaiutils import plots

RAMP = np.arange(1000.0).reshape(20, 50)                              # values 0 ... 999


def images(n=2, channels=3, size=4):
    return torch.rand(n, channels, size, size, generator=torch.Generator().manual_seed(0))


def maps(n=2, channels=3, size=4, seed=1):
    return torch.randn(n, channels, size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def drawn(fig):
    """{title of the column: arrays of its rows}."""
    axes = [ax for ax in fig.axes if ax.images and ax.get_label() != "<colorbar>"]
    columns, rows = {}, {ax.get_subplotspec().rowspan.start for ax in axes}
    for ax in axes:
        place = ax.get_subplotspec().colspan.start
        columns.setdefault(place, []).append(ax)
    assert all(len(column) == len(rows) for column in columns.values())
    return {axes[0].get_title(): [np.array(ax.images[-1].get_array()) for ax in axes] for axes in columns.values()}


def text_on(ax):
    return [text.get_text() for text in ax.texts]


# --- normalise


def test_percentile_is_the_display_of_the_released_code():
    z = golden("agi_cnn_f64")
    shown = plots.normalise(z["x0.T20.logit_anchored.sum"], "percentile")
    np.testing.assert_allclose(shown, z["heatmap.norm"], rtol=1e-12, atol=1e-12)


def test_percentile_of_a_ramp():
    # numpy's linear interpolation: q = 0.80 * 999 = 799.2, u = 0.99 * 999 = 989.01
    shown = plots.normalise(RAMP, "percentile")
    assert (shown == 0).mean() == 0.8                                 # 0 ... 799
    assert (shown == 1).sum() == 10                                   # 990 ... 999
    assert shown.flat[900] == pytest.approx((900 - 799.2) / (989.01 - 799.2))
    assert plots.normalise(RAMP, "percentile", low=0, high=100).flat[333] == pytest.approx(333 / 999)


def test_percentile_does_not_care_for_scale_or_offset_but_sign():
    heatmap = maps()[0].mean(0).numpy()
    shown = plots.normalise(heatmap, "percentile", 50, 90)
    np.testing.assert_allclose(plots.normalise(1e-9 * heatmap - 5e-9, "percentile", 50, 90), shown, atol=1e-6)
    assert np.abs(plots.normalise(-heatmap, "percentile", 50, 90) - shown).max() == 1


@pytest.mark.parametrize("heatmap", [np.zeros((3, 5)), np.full((3, 5), -2.0), np.eye(200)[:1].reshape(10, 20)])
def test_percentile_of_equal_percentiles_is_all_zero(heatmap):
    assert not plots.normalise(heatmap, "percentile").any()


def test_symmetric_divides_by_a_percentile_of_the_magnitude_and_keeps_the_sign():
    signed = np.where(RAMP % 2 == 0, RAMP, -RAMP)
    shown = plots.normalise(signed, high=90)                          # s = 0.9 * 999 = 899.1
    assert shown.flat[600] == pytest.approx(600 / 899.1)
    assert shown.flat[601] == pytest.approx(-601 / 899.1)
    assert (shown.flat[999], shown.flat[998], shown.flat[0]) == (-1, 1, 0)
    np.testing.assert_allclose(plots.normalise(signed, high=100), signed / 999)


def test_symmetric_of_tiny_zero_and_lonely_values():
    np.testing.assert_allclose(plots.normalise([[1e-12, -5e-13]], high=100), [[1, -0.5]])
    assert not plots.normalise(np.zeros((2, 2))).any()
    lonely = np.zeros((30, 30))
    lonely[3, 4] = -0.2                                               # the 99th percentile is 0: by the largest
    assert plots.normalise(lonely)[3, 4] == -1 and np.count_nonzero(plots.normalise(lonely)) == 1


def test_channels_are_averaged_before_anything_else():
    np.testing.assert_array_equal(plots.normalise([[[1.0, 4.0]], [[3.0, -4.0]]], "none"), [[2.0, 0.0]])
    attributions = maps()[0]
    for mode in ("symmetric", "percentile"):
        np.testing.assert_array_equal(plots.normalise(attributions, mode), plots.normalise(attributions.mean(0), mode))


@pytest.mark.parametrize("wrong, message", [
    ({"heatmap": np.array([[1.0, np.nan]])}, "heatmap must be finite and not empty, got 1 NaN or infinite of 2 values"),
    ({"heatmap": np.zeros(4)}, r"heatmap must be \(H, W\) or \(C, H, W\), got shape \(4,\)"),
    ({"heatmap": RAMP, "mode": "max"}, "mode must be one of symmetric, percentile, none, got 'max'"),
    ({"heatmap": RAMP, "mode": "percentile", "low": 99, "high": 80}, "0 <= low < high <= 100, got 99 and 80"),
])
def test_normalise_refuses(wrong, message):
    with pytest.raises(ValueError, match=message):
        plots.normalise(**wrong)


# --- show


def test_show_puts_photographs_first_and_then_the_normalised_maps():
    x, a, b = images(), maps(seed=1), maps(seed=2)
    columns = drawn(plots.show(x, {"AGI": a, "IG": b.mean(1)}))
    assert list(columns) == ["photograph", "AGI", "IG"]
    for row in range(2):
        np.testing.assert_array_equal(columns["photograph"][row], x[row].permute(1, 2, 0).double())
        np.testing.assert_array_equal(columns["AGI"][row], plots.normalise(a[row]))
        np.testing.assert_array_equal(columns["IG"][row], plots.normalise(b[row]))


@pytest.mark.parametrize("scale, limit", [("each", 1.0), ("shared", 8.0), (2.5, 2.5)])
def test_signed_scales_are_symmetric_about_zero(scale, limit):
    a = torch.tensor([[[-1.0, 2.0], [0.0, 1.0]], [[8.0, 0.0], [-2.0, 1.0]]])
    fig = plots.show(images(size=2), {"AGI": a}, scale=scale, high=100)
    limits = {ax.images[0].get_clim() for ax in fig.axes if ax.images and ax.get_subplotspec().colspan.start == 1}
    assert limits == {(-limit, limit)}
    first = drawn(fig)["AGI"][0]
    np.testing.assert_allclose(first, a[0] / 2 if scale == "each" else a[0])
    assert ("one scale for all" in fig.axes[-1].get_ylabel()) == (scale != "each")


def test_an_all_zero_map_does_not_widen_the_shared_scale():
    a = torch.stack([torch.zeros(2, 2), torch.full((2, 2), 2.0**-20)])
    fig = plots.show(images(size=2), {"AGI": a}, scale="shared")
    assert fig.axes[1].images[0].get_clim() == (-(2.0**-20), 2.0**-20)


def test_percentile_maps_go_from_0_to_1():
    a = maps(1)
    fig = plots.show(images(1), {"AGI": a}, mode="percentile", low=70, high=95)
    assert fig.axes[1].images[0].get_clim() == (0, 1)
    np.testing.assert_array_equal(drawn(fig)["AGI"][0], plots.normalise(a[0], "percentile", 70, 95))
    assert fig.axes[-1].get_ylabel() == "attribution,\npercentiles 70 to 95"


def test_views():
    x, a = images(1), maps(1)
    columns = drawn(plots.show(x, {"AGI": a}, views=("map", "overlay", "product")))
    assert list(columns) == ["photograph", "AGI\nmap", "AGI\noverlay", "AGI\nproduct"]
    np.testing.assert_array_equal(columns["AGI\noverlay"][0], plots.normalise(a[0]))
    expected = x[0].permute(1, 2, 0).double().numpy() * plots.normalise(a[0], "percentile")[..., None]
    np.testing.assert_allclose(columns["AGI\nproduct"][0], expected)
    opacity = plots.show(x, {"AGI": a}, views="overlay").axes[1].images[1].get_alpha()
    np.testing.assert_allclose(opacity, np.sqrt(np.abs(plots.normalise(a[0]))))


def test_one_image_with_or_without_batch_axis_is_the_same_figure():
    x, a = images(1), maps(1)
    whole = plots.shown(plots.show(x, {"AGI": a}))
    for inputs in (x, x[0]):
        for attributions in (a[0], a.mean(1), a[0].mean(0)):
            single = plots.shown(plots.show(inputs, {"AGI": attributions}))
            assert single.keys() == whole.keys()
            assert all(np.array_equal(single[key], whole[key]) for key in whole)


def test_three_images_are_not_three_channels():
    a = maps(3).mean(1)                                               # (3, H, W): one map an image
    columns = drawn(plots.show(images(3), {"AGI": a}))
    np.testing.assert_array_equal(columns["AGI"][2], plots.normalise(a[2]))


def test_grey_images_and_several_columns_of_pictures():
    grey, colour = images(2, channels=1), images(2)
    columns = drawn(plots.show({"before": grey, "after": colour}, {"AGI": maps()}))
    np.testing.assert_array_equal(columns["before"][1][..., 2], grey[1, 0])
    np.testing.assert_array_equal(columns["after"][1], colour[1].permute(1, 2, 0))


def test_labels_titles_and_notes():
    notes = {"IG": ["I = 0.1", "I = 0.2"]}
    fig = plots.show(images(), [maps(), maps()], ["AGI", "IG"], rows=["cat", "dog"], notes=notes)
    assert [ax.get_ylabel() for ax in fig.axes[:6]] == ["cat", "", "", "dog", "", ""]
    assert [ax.get_title() for ax in fig.axes[:6]] == ["photograph", "AGI", "IG", "", "", ""]
    assert [ax.get_xlabel() for ax in fig.axes[:6]] == ["", "", "I = 0.1", "", "", "I = 0.2"]


def test_maps_without_a_picture_of_their_own_say_so():
    sparse = torch.zeros(30, 30)
    sparse[0, 0] = 1.0
    a = torch.stack([torch.zeros(30, 30), -torch.rand(30, 30) - 0.1, sparse])
    fig = plots.show(images(3, size=30), {"AGI": a})
    assert [text_on(ax) for ax in fig.axes[1:6:2]] == [["all zero"], ["no positive value"], []]
    fig = plots.show(images(3, size=30), {"AGI": a}, mode="percentile")
    assert [text_on(ax) for ax in fig.axes[1:6:2]] == [["all zero"], ["no positive value"], ["constant after clipping"]]


@pytest.mark.parametrize("wrong, message", [
    ({"inputs": images() * 4 - 2}, r"inputs must be pixels in \[0, 1\], got -.*undo the normalisation"),
    ({"inputs": torch.zeros(2, 2, 4, 4)}, "with 1 or 3 channels, got shape"),
    ({"attributions": {"AGI": maps() * float("nan")}}, "attributions of 'AGI' must be finite .*, got 96 NaN"),
    ({"attributions": {"AGI": maps(3)}}, r"'AGI' must be maps of 2 images of 4 x 4 pixels, got shape \(3, 3, 4, 4\)"),
    ({"attributions": {"AGI": maps(size=3)}}, "'AGI' must be maps of 2 images of 4 x 4 pixels"),
    ({"attributions": [maps()], "titles": ["a", "b"]}, "titles must be 1 different words"),
    ({"titles": ["AGI"]}, "titles must be left out"),
    ({"rows": ["cat"]}, "rows must be 2 labels, one an image, got 1"),
    ({"views": "heat"}, "views must be one of map, overlay, product, got 'heat'"),
    ({"mode": "none"}, "mode must be one of symmetric, percentile, got 'none'"),
    ({"scale": -1}, 'scale must be "each", "shared" or a positive number, got -1'),
    ({"scale": "shared", "mode": "percentile"}, 'scale must be "each" for percentile maps'),
    ({"colours": "jet"}, "colours must be one of blue-red, thesis, heat, got 'jet'"),
])
def test_show_refuses(wrong, message):
    with pytest.raises(ValueError, match=message):
        plots.show(**{"inputs": images(), "attributions": {"AGI": maps()}, **wrong})


@pytest.mark.parametrize("options", [
    {"rows": ["a long name of a class, synonyms", "dog"], "notes": {"AGI": ["correlation 0.98 with the last"] * 2}},
    {"views": ("map", "overlay", "product"), "mode": "percentile"}, {"scale": 1.234e-5}, {"scale": 12345.0, "size": 1.2}
])
def test_nothing_is_cut_off(whole, options):
    assert whole(plots.show(images(), {"AGI": maps(), "the gradients integrated along a path": maps()}, **options))
