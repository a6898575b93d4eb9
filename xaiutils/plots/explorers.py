"""Explorers: figures that follow sliders and menus in a notebook, and stand still where there is no kernel.

>>> explorer(draw, step=(0, 20), method=["agi", "saliency"])            # doctest: +SKIP

``draw(step=..., method=...)`` returns a Figure. In JupyterLab the cell shows controls and figure; whoever reads the
stored notebook without a kernel gets the first view as a picture, from the same output.
"""

import ipywidgets as widgets

from xaiutils.plots.style import png, shown


class Explorer:
    """A figure and the controls that redraw it; made by :func:`explorer`.

    ``controls``  {name: widget}; to move one in a test: ``explorer.controls["step"].value = 3``
    ``button``    the widget to press (``.click()``), None where every move redraws
    ``figure``    the Figure as it stands
    """

    def __init__(self, draw, controls, button=None):
        self._draw = draw
        self.controls = {name: _control(name, given) for name, given in controls.items()}
        self.button = widgets.Button(description=button, button_style="primary") if button else None
        self._image = widgets.Image(format="png", layout=widgets.Layout(align_self="flex-start", max_width="100%"))
        self._message = widgets.HTML()
        self._show(self._draw(**self.values()))
        for control in self.controls.values():
            control.observe(self._ask_for_button if button else self._redraw, "value")
        if button:
            self.button.on_click(self._redraw)
        rows = [*self.controls.values(), *([self.button] if button else []), self._message, self._image]
        self.widget = widgets.VBox(rows)

    def values(self):
        """What the controls say now, {name: value}."""
        return {name: control.value for name, control in self.controls.items()}

    def data(self):
        """The arrays that the figure shows now, by place: see :func:`xaiutils.plots.shown`."""
        return shown(self.figure)

    def static(self, **values):
        """The static twin: the same figure drawn once, with ``values`` in place of what the controls say. -> Figure"""
        if unknown := set(values) - set(self.controls):
            raise TypeError(f"static takes {', '.join(self.controls)}, got {', '.join(sorted(unknown))}.")
        return self._draw(**self.values() | values)

    def _redraw(self, _):
        """Answers a control. What ``draw`` refuses is said in place, since a traceback would be lost in the log."""
        self._message.value = "drawing ..." if self.button else ""
        try:
            self._show(self._draw(**self.values()))
        except (ValueError, TypeError) as refusal:
            self._message.value = f"<b>{refusal}</b>"
        else:
            self._message.value = ""

    def _ask_for_button(self, _):
        self._message.value = f"Press <i>{self.button.description}</i> to redraw."

    def _show(self, figure):
        self.figure = figure
        self._image.value = png(figure)

    def __repr__(self):
        return f"Explorer: run this cell in JupyterLab to move {', '.join(self.controls)}"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return self.widget._repr_mimebundle_() | {"text/plain": repr(self), "image/png": png(self.figure, 150_000)}


def explorer(draw, /, *, button=None, **controls):
    """A figure that follows its controls: an :class:`Explorer`, shown where it is the last value of a cell.

    ``draw``      ``draw(**values)`` -> Figure, called with the value of each control, at once for the first view. What
                  is to be dragged must take no more than some tenths of a second: compute maps beforehand
    ``controls``  name = what to choose from: (low, high) or (low, high, step) a slider, in whole numbers or not; a list
                  or dictionary a menu; ``slider([...])`` a slider over listed values; a bool, a text, any ipywidget
    ``button``    a word: controls are read when the button with this word is pressed, for what takes longer
    """
    if not controls:
        raise ValueError("controls must be at least one, name = what to choose from; got none.")
    return Explorer(draw, controls, button)


def slider(values, start=None):
    """A slider over the given ``values``, such as [1, 2, 5, 20], at ``start`` first (default: the first of them)."""
    values = list(values)
    return widgets.SelectionSlider(options=values, value=values[0] if start is None else start)


def pickers(table, names):
    """A control for each part of the keys of ``table``: {name: control}, for dictionaries of precomputed things.

    Keys are words or numbers, or tuples of them with a name for each place; numbers become a slider, words a menu.
    """
    keys = [key if isinstance(key, tuple) else (key,) for key in table]
    if not keys or any(len(key) != len(names) for key in keys):
        raise ValueError(f"names must be one for each part of a key, got {list(names)} for {list(table)[:3]}.")
    parts = {name: list(dict.fromkeys(key[place] for key in keys)) for place, name in enumerate(names)}
    return {name: slider(values) if all(_is_number(value) for value in values) else widgets.Dropdown(options=values)
            for name, values in parts.items()}


def pick(table, names, values):
    """The entry of ``table`` that the controls of :func:`pickers` point at."""
    key = tuple(values[name] for name in names)
    if (key if len(key) > 1 else key[0]) not in table:
        raise ValueError(f"There is none for {', '.join(f'{name} {values[name]}' for name in names)}.")
    return table[key if len(key) > 1 else key[0]]


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _control(name, given):
    """The widget for what a control was given, with its name beside it and room for the name."""
    control = given if isinstance(given, widgets.Widget) else widgets.interactive.widget_from_abbrev(given)
    if control is None:
        raise ValueError(f"control {name!r} must be a range, a list, a bool, a text or a widget, got {given!r}.")
    control.description = control.description or name.replace("_", " ")
    control.style.description_width = "10em"
    control.layout.width = "34em"
    return control
