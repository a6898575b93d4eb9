"""Names of a package that are imported on first use: ``__getattr__, __dir__ = lazily(__name__, {"load": "zoo"})``."""

import importlib
from importlib.util import find_spec


def lazily(package, where):
    """``__getattr__`` and ``__dir__`` for ``package``: ``where`` maps a public name to the submodule that defines it.

    Submodules can be reached by their own name as well. A public name must not be a submodule's name too: whichever
    was imported last would win.
    """

    def __getattr__(name):
        if name in where:
            return getattr(importlib.import_module(f"{package}.{where[name]}"), name)
        if find_spec(f"{package}.{name}"):
            return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return __getattr__, lambda: sorted(where)
