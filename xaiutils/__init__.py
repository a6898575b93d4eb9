"""The methods and measures behind the XAI workbook: attribution methods, their evaluation, and a ledger of claims.

>>> from xaiutils import datasets, models
>>> from xaiutils.methods import METHODS
>>> network, photographs = models.load("efficientnet-lite0"), datasets.photographs(1)
>>> attributions = METHODS["agi"](network).attribute(photographs.inputs, target="pred")
"""

from xaiutils._allocator import keep_freed_memory

__version__ = "0.1.0"

keep_freed_memory()
