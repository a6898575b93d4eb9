import hashlib
import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch

from xaiutils import models
from xaiutils._torchvision import torchvision
from xaiutils.models.pretrained import TORCHVISION, checkpoint

IMAGENET_MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
IMAGENET_STD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]


def published(name):
    return torchvision.models.get_model_weights(name).IMAGENET1K_V1


def pretend_published(name, folder, rename=lambda key: key, **options):
    """A network of random weights, saved under the name of the published checkpoint."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = torchvision.models.get_model(name, weights=None, **options).eval()
    state = {rename(key): value for key, value in network.state_dict().items()}
    torch.save(state, folder / published(name).url.split("/")[-1])
    return network


def old_key(key):
    """A name as in the published checkpoints of DenseNet."""
    return re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", key)


def test_every_name_has_first_published_weights_for_imagenet():
    for name in TORCHVISION:
        assert len(published(name).meta["categories"]) == 1000


@pytest.mark.parametrize(
    ("name", "options", "rename"),
    [
        ("resnet18", {}, lambda key: key),
        ("densenet121", {}, old_key),
        ("inception_v3", {"transform_input": True, "init_weights": False}, lambda key: key),
    ],
)
def test_weights_from_a_file_give_torchvisions_network_on_normalised_pixels(tmp_path, name, options, rename):
    expected = pretend_published(name, tmp_path, rename, **options).double()
    network = models.load(name, weights_folder=tmp_path, fold_batchnorm=False).double()
    pixels = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0)).double()
    with torch.no_grad():
        logits = expected((pixels - IMAGENET_MEAN) / IMAGENET_STD)
        torch.testing.assert_close(network(pixels), logits, rtol=1e-5, atol=1e-5 * logits.abs().max().item())


def test_inception_takes_pixels_from_minus_one_to_one_at_its_own_size():
    network = models.load("inception_v3", weights="random", fold_batchnorm=False)
    assert network.input_shape == (3, 299, 299)
    assert network.mean.tolist() == network.std.tolist() == [0.5] * 3


def test_a_missing_checkpoint_names_file_folders_and_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("XAI_DATA", str(tmp_path / "data"))
    with pytest.raises(FileNotFoundError) as error:
        models.load("vgg19")
    message = str(error.value)
    assert f"vgg19-dcbb9e9d.pth is not in {tmp_path}/torch/hub/checkpoints or {tmp_path}/data/checkpoints" in message
    assert 'load("vgg19", download=True)' in message


def test_a_checkpoint_is_found_in_the_folder_of_data_sets(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("XAI_DATA", str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    expected = pretend_published("squeezenet1_1", tmp_path / "checkpoints")
    found = models.load("squeezenet1_1").network
    torch.testing.assert_close(found.state_dict(), expected.state_dict(), rtol=0, atol=0)


def test_a_damaged_checkpoint_is_named(tmp_path):
    file = tmp_path / "resnet18-f37072fd.pth"
    pretend_published("resnet18", tmp_path)
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(RuntimeError, match="weights of resnet18 are damaged: delete .*resnet18-f37072fd.pth and"):
        models.load("resnet18", weights_folder=tmp_path)


@pytest.fixture
def server(tmp_path):
    """A folder and the address under which its files can be fetched."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


def test_a_checkpoint_is_fetched_only_when_asked(server, tmp_path):
    served, address = server
    torch.save({"weight": torch.arange(3.0)}, served / "plain.pth")
    digest = hashlib.sha256((served / "plain.pth").read_bytes()).hexdigest()[:8]
    (served / "plain.pth").rename(served / f"net-{digest}.pth")
    url, cache = f"{address}/net-{digest}.pth", tmp_path / "cache"
    with pytest.raises(FileNotFoundError, match=f"net-{digest}.pth is not in {cache}"):
        checkpoint(url, "net", folder=cache)
    assert checkpoint(url, "net", download=True, folder=cache)["weight"].tolist() == [0, 1, 2]
    (served / f"net-{digest}.pth").unlink()
    assert checkpoint(url, "net", folder=cache)["weight"].tolist() == [0, 1, 2]  # from the cache now


def test_a_download_with_the_wrong_hash_is_not_kept(server, tmp_path):
    served, address = server
    torch.save({"weight": torch.arange(3.0)}, served / "net-00000000.pth")
    with pytest.raises(RuntimeError, match="invalid hash value"):
        checkpoint(f"{address}/net-00000000.pth", "net", download=True, folder=tmp_path / "cache")
    assert not any((tmp_path / "cache").iterdir())
