"""What is measured of a heat map: one file a metric; any model and any attributions (N, C, H, W) go in."""

from xaiutils.metrics.attack_laws import fit_laws
from xaiutils.metrics.attack_statistics import (
    draw_values, image_statistics, qq_points, tail_energy, tail_ratio, tails,
)
from xaiutils.metrics.attack_tests import (
    anova, bootstrap_interval, mann_whitney_pairs, pair_share, spread_test, two_sample, welch_pairs,
)
from xaiutils.metrics.boundary import boundary_scale
from xaiutils.metrics.concentration import connected_components, energy_share, morans_i
from xaiutils.metrics.convergence import (
    alpha_beta, arriving, column_angle, pairwise_cosines, products, singular_ratio, z_plus,
)
from xaiutils.metrics.diversity import feature_alignment, feature_diversity, feature_plane
from xaiutils.metrics.gain import insertion_minus_deletion, percent_gain
from xaiutils.metrics.game_table import blockwise, games
from xaiutils.metrics.insertion_deletion import auc, deletion_curve, insertion_curve, reveal, substrate_of
from xaiutils.metrics.linear_pieces import share_changed, unit_states
from xaiutils.metrics.mutual_information import (
    image_information, object_information, relative_information, times_noise,
)
from xaiutils.metrics.paths import arc_length, feature_path, penultimate, segment, straightness
from xaiutils.metrics.randomization import (
    cascading, independent, layer_names, layer_titles, other_label, randomized, randomized_at, shuffled_labels,
)
from xaiutils.metrics.segment_sets import chance_jaccard, jaccard, segment_means, top_segments
from xaiutils.metrics.sensitivity_n import pearson, sensitivity_n, subset_losses, subset_sums
from xaiutils.metrics.similarity import agreement, null_band, rank_correlation, ssim
from xaiutils.metrics.texture import (
    fine_share,
    gini,
    relative_variation,
    sign_changes,
    sobel_correlation,
    total_variation,
)

__all__ = ["agreement", "alpha_beta", "anova", "arc_length", "arriving", "auc", "blockwise", "bootstrap_interval",
           "boundary_scale", "cascading", "chance_jaccard", "column_angle", "connected_components", "deletion_curve",
           "draw_values", "energy_share", "feature_alignment", "feature_diversity", "feature_path", "feature_plane",
           "fine_share", "fit_laws", "games", "gini", "image_information", "image_statistics", "independent",
           "insertion_curve", "insertion_minus_deletion", "jaccard", "layer_names", "layer_titles",
           "mann_whitney_pairs", "morans_i", "null_band", "object_information", "other_label", "pair_share",
           "pairwise_cosines", "pearson", "penultimate", "percent_gain", "products", "qq_points", "randomized",
           "randomized_at", "rank_correlation", "relative_information", "reveal", "segment", "segment_means",
           "sensitivity_n", "share_changed", "shuffled_labels", "sign_changes", "singular_ratio", "sobel_correlation",
           "spread_test", "ssim", "straightness", "subset_losses", "subset_sums", "substrate_of", "tail_energy",
           "tail_ratio", "tails", "times_noise", "top_segments", "total_variation", "two_sample", "unit_states",
           "welch_pairs", "z_plus"]
