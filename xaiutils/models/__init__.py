"""Networks by name, their preparation, and our own: ``models.load("efficientnet-lite0")``."""

from xaiutils._lazy import lazily

__getattr__, __dir__ = lazily(__name__, {"load": "zoo", "load_once": "zoo", "available": "zoo", "fold_batchnorm": "fold"})
