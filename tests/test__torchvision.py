import runpy
import subprocess
import sys

import pytest
import torch

import xaiutils._torchvision as bridge


@pytest.fixture
def pretend(tmp_path, monkeypatch):
    """Run the bridge beside a torchvision that consists of one line; returns the bridge's names."""

    def pretend(line):
        (tmp_path / "torchvision.py").write_text(line)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "torchvision")
        return runpy.run_path(bridge.__file__)

    return pretend


def test_models_transforms_and_data_sets_are_there():
    from torchvision import datasets, transforms

    assert bridge.torchvision.models.get_model("alexnet", weights=None).classifier[-1].out_features == 1000
    assert transforms.CenterCrop(2)(torch.zeros(3, 5, 5)).shape == (3, 2, 2)
    assert issubclass(datasets.ImageNet, datasets.ImageFolder)


def test_nothing_is_registered_where_torchvision_loads(pretend):
    names = pretend("loaded = True")
    assert names["torchvision"].loaded and "OPERATORS" not in names


def test_another_error_of_torchvision_is_passed_on(pretend):
    with pytest.raises(RuntimeError, match="something else is wrong"):
        pretend("raise RuntimeError('something else is wrong')")


def test_the_embedded_network_waits_neither_for_torchvision_nor_for_the_compiler():
    script = "import sys; from xaiutils import models; models.load('efficientnet-lite0'); print(*sys.modules)"
    imported = subprocess.check_output([sys.executable, "-c", script], text=True).split()
    assert "efficientnet_lite_pytorch" in imported
    assert not {"torchvision", "torch._dynamo"} & set(imported)
