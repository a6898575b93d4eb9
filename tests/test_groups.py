"""The groups of the thesis: their methods, and that each option reaches its method."""

import pytest
import torch
from toys import cnn, images

from xaiutils import groups

NETWORK, INPUTS, TARGET = cnn(), images(2), torch.tensor([0, 3])


def test_sizes_are_those_of_the_thesis():
    made = [groups.gradients(), groups.deeplift(), groups.paths(), groups.relevance()]
    assert [len(group) for group in made] == [6, 3, 3, 8]
    assert list(made[3]) == ["LRP a1b0", "LRP a2b1", "LRP a3b2", "LRP a4b3", "LRP a5b4", "LRP a6b5", "LRP a9b8", "RAP"]


@pytest.mark.parametrize("title, explain", [pair for group in (groups.gradients(), groups.deeplift(), groups.paths(n_steps=3, noise_steps=2),
                                                               groups.relevance((1, 5))) for pair in group.items()])
def test_every_method_runs_and_gives_one_map_an_image(title, explain):
    attributions = explain(NETWORK, INPUTS, TARGET)
    assert attributions.shape == INPUTS.shape and attributions.abs().sum() > 0
    torch.testing.assert_close(explain(NETWORK, INPUTS[1:], TARGET[1:]), attributions[1:])


def test_without_noise_the_tunnels_are_their_methods():
    for group, plain, tunnel in ((groups.deeplift("black", noise=0), "DeepLIFT", "DeepLIFT + SmoothGrad"),
                                 (groups.paths("black", noise=0, n_steps=5, noise_steps=5), "Integrated Gradients", "IG + SmoothGrad")):
        torch.testing.assert_close(group[tunnel](NETWORK, INPUTS, TARGET), group[plain](NETWORK, INPUTS, TARGET))


def test_deepshap_takes_pictures_as_references():
    references = images(3, seed=5)
    made = groups.deeplift(references=references)["DeepSHAP"]
    one_by_one = [groups.deeplift(references=references[k : k + 1])["DeepSHAP"](NETWORK, INPUTS, TARGET) for k in range(3)]
    torch.testing.assert_close(made(NETWORK, INPUTS, TARGET), torch.stack(one_by_one).mean(0))
    assert str(made) != str(groups.deeplift(references=images(3, seed=6))["DeepSHAP"])
    assert str(made) == str(groups.deeplift(references=images(3, seed=5))["DeepSHAP"])
