"""What is measured of a heat map: one file a metric; any model and any attributions (N, C, H, W) go in."""

from xaiutils.metrics.boundary import boundary_scale
from xaiutils.metrics.concentration import connected_components, energy_share, morans_i
from xaiutils.metrics.diversity import feature_alignment, feature_diversity, feature_plane
from xaiutils.metrics.gain import insertion_minus_deletion, percent_gain
from xaiutils.metrics.game_table import blockwise, games
from xaiutils.metrics.insertion_deletion import auc, deletion_curve, insertion_curve, reveal, substrate_of
from xaiutils.metrics.mutual_information import (
    image_information, object_information, relative_information, times_noise,
)
from xaiutils.metrics.paths import arc_length, feature_path, penultimate, segment, straightness
from xaiutils.metrics.randomization import cascading, independent, layer_names, other_label, randomized, shuffled_labels
from xaiutils.metrics.sensitivity_n import pearson, sensitivity_n, subset_losses, subset_sums
from xaiutils.metrics.similarity import agreement, null_band, rank_correlation, ssim

__all__ = ["agreement", "arc_length", "auc", "blockwise", "boundary_scale", "cascading", "connected_components",
           "deletion_curve", "energy_share", "feature_alignment", "feature_diversity", "feature_path",
           "feature_plane", "games", "image_information", "independent", "insertion_curve",
           "insertion_minus_deletion", "layer_names", "morans_i", "null_band", "object_information", "other_label",
           "pearson", "penultimate", "percent_gain", "randomized", "rank_correlation", "relative_information",
           "reveal", "segment", "sensitivity_n", "shuffled_labels", "ssim", "straightness", "subset_losses",
           "subset_sums", "substrate_of", "times_noise"]
