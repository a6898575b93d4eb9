"""What is measured of a heat map: one file a metric; any model and any attributions (N, C, H, W) go in."""

from xaiutils.metrics.boundary import boundary_scale
from xaiutils.metrics.concentration import connected_components, energy_share, morans_i
from xaiutils.metrics.gain import insertion_minus_deletion, percent_gain
from xaiutils.metrics.game_table import blockwise, games
from xaiutils.metrics.insertion_deletion import auc, deletion_curve, insertion_curve, reveal, substrate_of
from xaiutils.metrics.paths import arc_length, feature_path, penultimate, segment, straightness
from xaiutils.metrics.randomization import cascading, independent, layer_names, other_label, randomized, shuffled_labels
from xaiutils.metrics.sensitivity_n import pearson, sensitivity_n, subset_losses, subset_sums
from xaiutils.metrics.similarity import agreement, null_band, rank_correlation, ssim

__all__ = ["agreement", "arc_length", "auc", "blockwise", "boundary_scale", "cascading", "connected_components", "deletion_curve",
           "energy_share", "feature_path", "games", "independent", "insertion_curve", "insertion_minus_deletion", "layer_names",
           "morans_i", "null_band", "other_label", "pearson", "penultimate", "percent_gain", "randomized", "rank_correlation",
           "reveal", "segment", "sensitivity_n", "shuffled_labels", "ssim", "straightness", "subset_losses", "subset_sums", "substrate_of"]
