"""Tell glibc to keep the memory it freed: a third to two thirds of a large batch's time on a CPU is page faults.

By default glibc hands big blocks back to the system as soon as a tensor dies and has them faulted in again, zeroed,
for the next one. Large ``M_MMAP_THRESHOLD`` and ``M_TRIM_THRESHOLD`` keep them in the process. The price is that the
process holds on to its peak memory. Elsewhere than on glibc this is a silent no-op; ``XAIUTILS_ALLOCATOR=default`` in
the environment turns it off (the benchmark runs its peers that way).
"""

import ctypes
import os

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # from <malloc.h>
KEEP_BELOW = 1 << 30  # bytes: blocks up to 1 GiB are kept


def keep_freed_memory() -> bool:
    """Set both thresholds; True where the C library took them."""
    if os.environ.get("XAIUTILS_ALLOCATOR") == "default":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # no glibc: musl, macOS, Windows
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, KEEP_BELOW) and mallopt(M_TRIM_THRESHOLD, KEEP_BELOW))
