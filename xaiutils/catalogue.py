"""The page ``xaiutils/methods/README.md``: what each method of the index is, from its docstring and from running it.

>>> python -m xaiutils.catalogue        # writes the page anew; a test says when that is due    # doctest: +SKIP
"""

import inspect
import re
from collections import defaultdict
from pathlib import Path

import torch
from torch import nn

from xaiutils.methods import METHODS

PAGE = Path(__file__).parent / "methods" / "README.md"
HEAD = """# The attribution methods

`METHODS[key](network).attribute(inputs, target=...)` for each key below; attributions have the shape of the inputs. This page is made by
`python -m xaiutils.catalogue` from the docstrings, which say more: symbols with shapes, defaults with their reasons, deviations from the documents.

* **cost** of explaining one image, in passes of one image through the network
* **baseline**: whether an input to compare with is asked for, and which is taken if none is given
* **signed**: whether negative values occur (found by running each method on a small network)
* **adds up**: whether attributions sum to a difference of scores; `return_convergence_delta=True` then gives the error, elsewhere it is refused
"""
SECTIONS = ("Limit cases", "Deviations", "Deviation", "Delta", "Cost", "Source", "Readings", "Reading")


def sections(text) -> dict:
    """A method's docstring taken apart: ``summary``, ``formula`` and the texts of its named sections."""
    summary, _, rest = text.partition("\n\n")
    formula = re.search(r"\.\. math::(.*?)\n\n", text, re.DOTALL)
    found = {"summary": " ".join(summary.split()), "formula": formula and inspect.cleandoc(formula[1].strip())}
    name = None
    for line in rest.splitlines():
        start = next((word for word in SECTIONS if line.startswith(f"{word}  ")), None)
        if start:
            name, line = start, line[len(start):]
        elif not line.startswith("  "):
            name = None
        if name:
            found[name] = f"{found.get(name, '')} {line.strip()}".strip()
    return found


def small_network() -> nn.Sequential:
    """Two convolutions, their mean, a linear layer, weights drawn from seed 0: a network that every method fits."""
    layers = [nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(),
              nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)]
    generator = torch.Generator().manual_seed(0)
    network = nn.Sequential(*layers).double().eval()
    for parameter in network.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) / 3)
    return network


def is_signed(name) -> bool:
    """Whether the method called ``name`` gives negative values for any class of four drawn images."""
    inputs = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    maps = torch.cat([METHODS[name](small_network()).attribute(inputs, target=k) for k in range(3)])
    return bool(maps.min() < -1e-9 * maps.abs().max())  # below rounding


def baseline(name) -> str:
    """What the method compares with: nothing, or the default of its argument ``baselines``."""
    arguments = inspect.signature(METHODS[name](small_network()).attribute).parameters
    if "baselines" not in arguments:
        return "no"
    default = arguments["baselines"].default
    return "yes: black" if default is None else f"yes: {default}"


def row(name) -> str:
    """One line of the table."""
    method = METHODS[name]
    complete = METHODS[name](small_network()).has_convergence_delta()
    cells = [f"[`{name}`](#{anchor(method)})", sections(inspect.getdoc(method)).get("Cost", ""), baseline(name),
             "yes" if is_signed(name) else "no", "yes" if complete else "no"]
    return f"| {' | '.join(cells)} |"


def anchor(method) -> str:
    """The link of a method's paragraph on the page: its class name."""
    return method.__name__.lower()


def paragraph(method, names) -> str:
    """Formula, limits and source of one class, under the keys that build it."""
    parts = sections(inspect.getdoc(method))
    keys = ", ".join(f"`{name}`" for name in names)
    lines = [f"## {method.__name__}", f"{keys}. {parts['summary']}"]
    if parts["formula"]:
        lines.append(f"```math\n{parts['formula']}\n```")
    lines += [f"*{title}* {parts[title]}" for title in SECTIONS if title in parts]
    return "\n\n".join(lines)


def page() -> str:
    """The whole page as Markdown."""
    by_class = defaultdict(list)
    for name, method in METHODS.items():
        by_class[method.__name__].append(name)
    table = ["| key | cost | baseline | signed | adds up |", "|---|---|---|---|---|", *map(row, METHODS)]
    paragraphs = [paragraph(METHODS[names[0]], names) for names in by_class.values()]
    return "\n\n".join([HEAD.strip(), "\n".join(table), *paragraphs]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}: {len(METHODS)} methods")
