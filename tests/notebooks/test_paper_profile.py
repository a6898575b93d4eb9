"""Every block of ``profiles/paper.yaml`` runs: its own parameters, shrunk by ``smallest.yaml``, with made-up photographs and weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from xaiutils import notebooks, runner
from xaiutils._torchvision import torchvision

SMALLEST = yaml.safe_load((Path(__file__).parent / "smallest.yaml").read_text(encoding="utf-8"))
BLOCKS = notebooks.profile_blocks("paper")


def shrunk(name):
    """The block of a notebook with what ``smallest.yaml`` says of parameters that the notebook has."""
    known = notebooks.defaults(name)
    everywhere = {parameter: value for parameter, value in SMALLEST["everywhere"].items() if parameter in known}
    return BLOCKS[name] | everywhere | SMALLEST.get(name, {})


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder of data sets in the layouts of the real ones, with noise for photographs and random numbers for weights."""
    root, noise = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for index, wnid in enumerate(("n01440764", "n01443537", "n01484850")):
        for folder in (root / "imagenet" / "val" / wnid, root / "imagenet-200" / wnid):
            folder.mkdir(parents=True)
            Image.fromarray(noise.integers(0, 256, (256, 256, 3), dtype=np.uint8)).save(folder / f"{index}_noise.jpg")
    (root / "checkpoints").mkdir()
    published = torchvision.models.ResNet18_Weights.IMAGENET1K_V1.url
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.save(torchvision.models.resnet18().state_dict(), root / "checkpoints" / Path(published).name)
    return root


@pytest.mark.parametrize("name", sorted(BLOCKS))
def test_block(name, data, tmp_path, monkeypatch):
    monkeypatch.setenv("XAI_DATA", str(data))
    monkeypatch.setenv("TORCH_HOME", str(data / "no_weights_of_the_machine"))
    task = runner.Task(name, shrunk(name), "small", build=tmp_path)  # one image is no paper run: its verdicts are the small scale's
    assert task.execute(1, lambda notebook, position: None) is None


def test_every_shrunk_parameter_exists_somewhere():
    known = {parameter for name in notebooks.names() for parameter in notebooks.defaults(name)}
    assert set(SMALLEST["everywhere"]) <= known
    for name in set(SMALLEST) - {"everywhere"}:
        notebooks.check_parameters(name, SMALLEST[name])
