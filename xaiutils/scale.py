"""The same evaluation over many items: in this process or on a Dask cluster, and resumable.

>>> from xaiutils import datasets, models
>>> def evaluate(name):                        # one unit of work: a name in, numbers out
...     network = models.load_once("efficientnet-lite0")    # built once on each worker: networks do not travel
...     logits = network(datasets.photograph(name))
...     return {"confidence": logits.softmax(-1).max()}
>>> mapped = map_items(evaluate, ["chelsea", "coffee"], store="build/cache", key={})    # doctest: +SKIP
"""

import contextlib
import hashlib
import json
import os
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm


@dataclass
class Mapped:
    """Results by item, in the order of the items, and the reasons by item of those that failed."""

    results: dict = field(default_factory=dict)
    failures: dict = field(default_factory=dict)


def map_items(function, items, *, store, key, progress=True, client=None):
    """``function`` of every item, each result stored as soon as it is there: a :class:`Mapped`.

    Args:
        function: item -> dict of numbers, text, lists of them, arrays or tensors. On a cluster it must be
            importable or picklable; it builds its networks itself.
        items: plain values that name the units of work (indices, file names), each once.
        store: folder of the results; one file an item, JSON, or NPZ where a result holds arrays. What is
            stored is not computed again, so an interrupted run goes on where it stopped.
        key: dict of everything else the result depends on (parameters, seed, network, version of the
            method). Its content names the subfolder, so another key starts afresh.
        progress: show a progress bar; never shown where the runner executes the notebook.
        client: a ``dask.distributed.Client``; without one, the environment's ``DASK_SCHEDULER`` (an address
            such as tcp://host:8786) is used where set, else this process.

    Results are read back from their files, so that a run, a resumed and a distributed run return the same. An
    item whose function raises is named in ``failures`` and in a warning, and tried again by the next run; the
    others go on.
    """
    items = list(items)
    if repeated := [item for item, count in Counter(items).items() if count > 1]:
        raise ValueError(f"items must be distinct, got {repeated} more than once")
    folder = Path(store) / _digest(key)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "key.json", json.dumps(key, indent=1).encode())
    waiting = [item for item in items if _stored(folder, item) is None]
    mapped = Mapped()
    bar = tqdm(total=len(items), initial=len(items) - len(waiting), disable=not progress or _in_batch())
    with bar, _cluster(client) as cluster:
        for item, result, reason in _outcomes(function, waiting, cluster):
            if reason is None:
                reason = _save(folder, item, result)
            if reason is not None:
                mapped.failures[item] = reason
            bar.update()
    mapped.results = {item: _load(_stored(folder, item)) for item in items if item not in mapped.failures}
    for item, reason in mapped.failures.items():
        warnings.warn(f"item {item!r} failed: {reason}", stacklevel=2)
    return mapped


def _in_batch():
    """Whether the runner executes the notebook: it sets the profile."""
    return "XAIUTILS_PROFILE" in os.environ


@contextlib.contextmanager
def _cluster(client):
    """The client given, else one for ``DASK_SCHEDULER`` (closed afterwards), else None."""
    address = os.environ.get("DASK_SCHEDULER")
    if client is not None or not address:
        yield client
        return
    try:
        from distributed import Client
    except ImportError:
        raise ImportError("DASK_SCHEDULER needs Dask: pip install 'xaiutils[scale]'") from None
    with Client(address) as opened:
        yield opened


def _outcomes(function, items, cluster):
    """(item, result, reason of failure) of each item as it is finished."""
    if cluster is None:
        yield from (_attempt(function, item) for item in items)
        return
    from distributed import as_completed

    futures = cluster.map(_attempt, [function] * len(items), items, pure=False)
    names = dict(zip(futures, items))
    for future in as_completed(futures):
        if future.status == "finished":
            yield future.result()
        else:  # the worker itself was lost
            yield names[future], None, f"{type(future.exception()).__name__}: {future.exception()}"


def _attempt(function, item):
    """Runs where the work is done; a failure is an answer too."""
    try:
        return item, function(item), None
    except Exception as error:  # whatever an item's evaluation raises is reported by name
        return item, None, f"{type(error).__name__}: {error}"


def _digest(content):
    """Sixteen hexadecimal digits that name plain content; TypeError where it is not plain."""
    try:
        text = json.dumps(content, sort_keys=True)
    except TypeError:
        raise TypeError(f"key and items must be plain (numbers, text, lists), got {content!r:.80}") from None
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _stored(folder, item):
    """The file that holds the item's result, None where there is none yet."""
    found = [folder / f"{_digest(item)}.{kind}" for kind in ("json", "npz")]
    return next((file for file in found if file.is_file()), None)


def _save(folder, item, result):
    """Stores one result; returns the reason where it cannot be stored."""
    if not isinstance(result, dict):
        return f"TypeError: function must return a dict, got {type(result).__name__}"
    result = {name: _plain(value) for name, value in result.items()}
    try:
        if any(isinstance(value, np.ndarray) for value in result.values()):
            if odd := [name for name, value in result.items() if np.asarray(value).dtype == object]:
                return f"TypeError: {', '.join(odd)} cannot be stored beside arrays"
            with _replaced(folder / f"{_digest(item)}.npz") as file:
                np.savez(file, **result)
        else:
            _write(folder / f"{_digest(item)}.json", json.dumps(result).encode())
    except TypeError as error:
        return f"TypeError: {error}"
    return None


def _plain(value):
    """Tensors as arrays, single numbers of arrays as Python numbers."""
    value = value.detach().cpu().numpy() if hasattr(value, "detach") else value
    return value.item() if np.ndim(value) == 0 and hasattr(value, "item") else value


def _load(file):
    """A stored result as the dict it was."""
    if file.suffix == ".json":
        return json.loads(file.read_text())
    with np.load(file, allow_pickle=False) as stored:
        return {name: _plain(stored[name]) for name in stored.files}


def _write(file, content):
    with _replaced(file) as opened:
        opened.write(content)


@contextlib.contextmanager
def _replaced(file):
    """A new file under another name that takes its place only when it is complete."""
    draft = file.with_suffix(f".{os.getpid()}.part")
    try:
        with open(draft, "wb") as opened:
            yield opened
        os.replace(draft, file)
    finally:
        draft.unlink(missing_ok=True)
