import ipywidgets as widgets
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter

from xaiutils import plots
from xaiutils.plots.explorers import pick, pickers


def draw(step=1, colour="blue", **others):
    fig, ax = plots.figure(size=(2, 2))
    ax.plot([0, step], [0, len(colour) + len(others)])
    return fig


def line(explorer):
    return explorer.data()["0.line0"].tolist()


def test_each_control_redraws_the_figure():
    explorer = plots.explorer(draw, step=(0, 10), colour=["red", "green"])
    assert explorer.values() == {"step": 5, "colour": "red"} and line(explorer) == [[0, 0], [5, 3]]
    first = explorer.widget.children[-1].value
    explorer.controls["step"].value = 7
    assert line(explorer) == [[0, 0], [7, 3]]
    explorer.controls["colour"].value = "green"
    assert line(explorer) == [[0, 0], [7, 5]]
    assert explorer.widget.children[-1].value == plots.png(explorer.figure) != first


def test_with_a_button_nothing_is_drawn_before_it_is_pressed():
    calls = []
    explorer = plots.explorer(lambda step: calls.append(step) or draw(step), step=(0, 10), button="Explain")
    explorer.controls["step"].value = 9
    assert calls == [5] and line(explorer) == [[0, 0], [5, 4]]
    assert "Press <i>Explain</i>" in explorer.widget.children[-2].value
    explorer.button.click()
    assert calls == [5, 9] and line(explorer) == [[0, 0], [9, 4]]
    assert explorer.widget.children[-2].value == ""


def test_static_twin_draws_once_and_moves_nothing():
    explorer = plots.explorer(draw, step=(0, 10), colour=["red", "green"])
    twin = explorer.static(step=2)
    assert plots.shown(twin)["0.line0"].tolist() == [[0, 0], [2, 3]]
    assert explorer.values()["step"] == 5 and line(explorer) == [[0, 0], [5, 3]]
    with pytest.raises(TypeError, match="static takes step, colour, got stop"):
        explorer.static(stop=3)


def test_what_draw_refuses_is_said_and_the_figure_stays():
    def refuses_three(step):
        if step == 3:
            raise ValueError("step must not be 3.")
        return draw(step)

    explorer = plots.explorer(refuses_three, step=(0, 10))
    explorer.controls["step"].value = 3
    assert explorer.widget.children[-2].value == "<b>step must not be 3.</b>" and line(explorer)[1][0] == 5
    explorer.controls["step"].value = 4
    assert explorer.widget.children[-2].value == "" and line(explorer)[1][0] == 4


def test_kinds_of_controls():
    explorer = plots.explorer(draw, step=plots.slider([1, 2, 20], start=2), a=(0.0, 1.0, 0.25), b=True, c="word",
                              d={"one": 1}, e=widgets.IntRangeSlider(value=(1, 2), max=3))
    kinds = [type(control).__name__ for control in explorer.controls.values()]
    assert kinds == ["SelectionSlider", "FloatSlider", "Checkbox", "Text", "Dropdown", "IntRangeSlider"]
    assert explorer.values() == {"step": 2, "a": 0.5, "b": True, "c": "word", "d": 1, "e": (1, 2)}
    with pytest.raises(ValueError, match="control 'a' must be a range, a list, .* got None"):
        plots.explorer(draw, a=None)
    with pytest.raises(ValueError, match="controls must be at least one"):
        plots.explorer(draw)


def test_a_notebook_gets_a_live_view_a_picture_and_a_text_that_never_changes():
    def bundle():
        return DisplayFormatter().format(plots.explorer(draw, step=(0, 10), colour=["red"]))[0]

    first, second = bundle(), bundle()
    view = "application/vnd.jupyter.widget-view+json"
    assert first["text/plain"] == second["text/plain"] == "Explorer: run this cell in JupyterLab to move step, colour"
    assert set(first) == {"text/plain", "image/png", view} and first[view] != second[view]
    assert first["image/png"] == second["image/png"]


def test_pickers_make_a_menu_of_words_and_a_slider_of_numbers():
    table = {("black", 10): "a", ("black", 50): "b", ("blur", 50): "c"}
    controls = pickers(table, ("reference", "steps"))
    assert isinstance(controls["reference"], widgets.Dropdown) and controls["reference"].options == ("black", "blur")
    assert isinstance(controls["steps"], widgets.SelectionSlider) and controls["steps"].options == (10, 50)
    assert pick(table, ("reference", "steps"), {"reference": "black", "steps": 50, "more": 1}) == "b"
    assert pick({2: "a"}, ("k",), {"k": 2}) == "a"
    with pytest.raises(ValueError, match="There is none for reference blur, steps 10"):
        pick(table, ("reference", "steps"), {"reference": "blur", "steps": 10})
    with pytest.raises(ValueError, match=r"names must be one for each part of a key, got \['k'\]"):
        pickers(table, ("k",))


def test_figures_are_not_kept_by_pyplot():
    from matplotlib import pyplot
    before = pyplot.get_fignums()
    explorer = plots.explorer(draw, step=(0, 3))
    for step in range(4):
        explorer.controls["step"].value = step
    assert pyplot.get_fignums() == before and np.isfinite(line(explorer)).all()
