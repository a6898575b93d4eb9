"""What made a run: commit, versions, device, threads, parameters."""

import datetime
import platform
import subprocess
from importlib import metadata
from pathlib import Path

import torch

PACKAGES = ("torch", "torchvision", "captum", "numpy", "scipy", "scikit-image")


def provenance(profile, parameters):
    """The content of ``provenance.json``: everything needed to repeat a run, without paths or times of day.

    ``parameters`` are the notebook's, with ``seed`` and ``device`` among them. ``commit`` and ``dirty``
    (whether files differ from the commit) are None outside a git checkout; a package that is not installed
    has the version None.
    """
    device = str(parameters["device"])
    hardware = torch.cuda.get_device_name(device) if device.startswith("cuda") else platform.machine()
    changes = _git("status", "--porcelain")
    return {"profile": profile, "seed": parameters["seed"], "parameters": parameters,
            "commit": _git("rev-parse", "HEAD"), "dirty": None if changes is None else bool(changes),
            "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
            "device": f"{device} ({hardware})", "threads": torch.get_num_threads(),
            "date": datetime.date.today().isoformat()}


def _version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git(*command):
    """What git answers about the checkout this package lies in; None where there is no git or no commit."""
    here = Path(__file__).parent
    try:
        answer = subprocess.run(["git", *command], cwd=here, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()
