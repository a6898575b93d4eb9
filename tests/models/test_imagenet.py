import torch
from torch import nn

from xaiutils._torchvision import torchvision
from xaiutils.models.imagenet import ImageNetClassifier, class_names


def test_pixels_are_normalised_by_channel_inside():
    network = ImageNetClassifier(nn.Identity(), name="itself", mean=[0.5, 0.0, 0.25], std=[0.5, 1.0, 0.25])
    image = torch.tensor([1.0, 0.75, 0.0])[None, :, None, None]
    assert network(image).flatten().tolist() == [1.0, 0.75, -1.0]
    assert network.mean.tolist() == [0.5, 0.0, 0.25] and network.std.tolist() == [0.5, 1.0, 0.25]
    assert network.input_size == 224 and network.input_shape == (3, 224, 224)


def test_mean_and_std_go_where_the_network_goes():
    network = ImageNetClassifier(nn.Identity(), name="itself", mean=[0.5] * 3, std=[0.5] * 3).double()
    assert network.mean.dtype == network.std.dtype == torch.float64


def test_classes_stand_at_their_index():
    names = class_names()
    assert len(names) == len(set(names)) == 1000
    expected = {0: "tench", 207: "golden retriever", 285: "Egyptian cat", 967: "espresso", 999: "toilet tissue"}
    assert {index: names[index] for index in expected} == expected


def test_classes_are_named_as_torchvision_names_them():
    assert class_names() == torchvision.models.ResNet18_Weights.IMAGENET1K_V1.meta["categories"]
