"""Coalitions of players: the game that a network plays on one input, when parts of it can be absent.

A player is a group of entries of the input: a pixel with its channels, a segment, a feature. In a coalition the players
that are absent show the baseline. What a coalition is worth is the target's score.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from xaiutils.methods.baselines import resolve_baselines
from xaiutils.methods.segments import Grid, Quickshift, each_place, find_segments


def scaled_quickshift(image):
    """Colour segments of an image (H, W, 3) by quickshift as LIME's released code has it, in proportion to the image.

    Its kernel is 4 pixels at a height of 224. Quickshift takes none below 1, so images under 56 are enlarged before.
    """
    factor = max(1, -(-56 // min(image.shape[:2])))
    large = image.repeat(factor, 0).repeat(factor, 1)
    labels = Quickshift(kernel_size=min(large.shape[:2]) / 56, max_dist=200, ratio=0.2)(large)
    return labels[factor // 2::factor, factor // 2::factor]


def scaled_segmenter(x: Tensor):
    """For one input: :func:`scaled_quickshift` for (3, H, W), a grid for other images, else each place by itself."""
    if x.dim() != 3:
        return each_place
    return scaled_quickshift if len(x) == 3 else Grid()


class Game:
    """The game of one image: ``game(present)``, booleans (S, P), gives what S coalitions are worth, (S,) in float64.

    ``players``   integers 0 ... P - 1 like the image: to whom each entry belongs
    ``baseline``  like the image: what absent players show
    """

    def __init__(self, session, image, players, baseline):
        self.engine, self.x, self.target = session.engine, session.inputs[image], session.target[image]
        self.image, self.players, self.baseline = image, players, baseline
        self.n_players = int(players.max()) + 1

    def __call__(self, present: Tensor) -> Tensor:
        parts = [self._worth(some) for some in present.split(self.engine.batch_size(self.x[None]))]
        return torch.cat(parts).double().cpu()

    def _worth(self, present):
        rows = torch.where(present.to(self.x.device)[:, self.players], self.x, self.baseline)   # (S, C, H, W)
        images = torch.full((len(rows),), self.image, device=self.x.device)
        return self.engine.scores(rows, images)[:, self.target]

    def spread(self, values: Tensor) -> Tensor:
        """Values of the players (P,) to the entries that are theirs."""
        return values.to(self.x)[self.players]


def players_of(inputs: Tensor, feature_mask=None, segmenter=None) -> list[Tensor]:
    """To whom each entry of each input belongs, integers like it from 0 on without gaps.

    ``feature_mask``  as in Captum: integers that broadcast to ``inputs``; where given, ``segmenter`` is not asked
    ``segmenter``     see :mod:`xaiutils.methods.segments`; None is :func:`scaled_segmenter`
    """
    if feature_mask is not None:
        return [torch.unique(mask, return_inverse=True)[1] for mask in _expanded(feature_mask, inputs)]
    return [_of_segments(x, segmenter or scaled_segmenter(x)) for x in inputs]


def _of_segments(x, segmenter):
    labels = find_segments(x, segmenter)
    labels = torch.unique(labels, return_inverse=True)[1]
    return (labels[:, None] if x.dim() == 2 else labels).expand_as(x)


def _expanded(feature_mask, inputs):
    mask = torch.as_tensor(feature_mask, device=inputs.device)
    if mask.is_floating_point() or mask.dtype == torch.bool:
        raise ValueError(f"feature_mask must be integers, one number a player, got {mask.dtype}.")
    try:
        return mask.expand_as(inputs)
    except RuntimeError:
        raise ValueError(f"feature_mask must have a shape that broadcasts to inputs {tuple(inputs.shape)}, "
                         f"got {tuple(mask.shape)}.") from None


def games(session, baselines, feature_mask, segmenter=None, seed=0) -> list[Game]:
    """The game of each image of a session. ``baselines="segment mean"`` hides a segment by its mean colour."""
    players = players_of(session.inputs, feature_mask, segmenter)
    if isinstance(baselines, str) and baselines == "segment mean":
        absent = [_means(x, mine) for x, mine in zip(session.inputs, players)]
    else:
        absent = resolve_baselines(baselines, session.inputs, seed)
    return [Game(session, image, mine, absent[image]) for image, mine in enumerate(players)]


def _means(x, players):
    """Each entry's mean over the entries of the same player in the same channel."""
    channels = x.flatten(1) if x.dim() == 3 else x.reshape(1, -1)
    means = torch.empty_like(channels)
    for channel, (values, owner) in enumerate(zip(channels, players.reshape(channels.shape))):
        means[channel] = (owner.bincount(values.double()) / owner.bincount().clamp(min=1))[owner].to(x)
    return means.reshape(x.shape)


class PlayerValues(NamedTuple):
    """What ``explain`` of a method of coalitions tells of N images."""

    attributions: Tensor  # (N, C, H, W) what ``attribute`` gives: to each entry the value of its player
    players: list         # N integer tensors like an image: to whom each entry belongs
    values: list          # N float64 tensors (P,): a value a player


def explained(all_games, values_of) -> PlayerValues:
    """The values of each game, one after the other, spread over its image."""
    values = [values_of(game) for game in all_games]
    attributions = torch.stack([game.spread(value) for game, value in zip(all_games, values)])
    return PlayerValues(attributions, [game.players for game in all_games], values)
