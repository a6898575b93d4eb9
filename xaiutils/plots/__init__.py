"""Figures of one look: heat maps, curves and comparisons, and explorers to play with in a notebook.

>>> from xaiutils import plots
>>> plots.show(inputs, {"AGI": attributions})       # doctest: +SKIP
>>> plots.kink()                                    # doctest: +SKIP
"""

from xaiutils._lazy import lazily

_WHERE = {
    "style": ["COLOURS", "PALETTE", "figure", "png", "shown", "styled"],
    "heatmaps": ["normalise", "show"],
    "curves": ["insertion_deletion", "paths", "score_curves", "trend"],
    "comparisons": ["bars", "paired", "sources"],
    "games": ["coalition_sums", "feature_orders", "shared_ride", "value_bars", "waterfall"],
    "attacks": ["attack_panels", "kept_panels", "play_attack", "play_kept", "play_laws", "play_scale", "play_sentence",
                "play_sound", "play_tails", "sound_panels", "token_panels"],
    "randomization": ["layer_curves", "randomized_maps"],
    "explorers": ["explorer", "slider"],
    "play_chains": ["cone"],
    "play_maps": ["cascade_slider", "class_count_morph", "explain_photograph", "object_share", "pairwise_difference",
                  "percentile_picker", "pick_map", "reference_picker"],
    "play_curves": ["kink", "path_explorer", "reveal_slider", "two_curves_along_path"],
    "play_credible": ["baseline_search", "bent_path", "darkening", "gain_counter", "gradient_rule", "subset_scatter",
                      "two_pieces"],
    "play_thesis": ["descents", "integral_by_steps", "minimum_of_two", "moving_patch", "rectifier_rules", "relevance_shares"],
    "verdicts": ["labelled_points", "verdict_explorer", "verdict_table"],
    "play_training": ["parameter_count", "schedule_picker", "stopping_cursor"],
}

__getattr__, __dir__ = lazily(__name__, {name: module for module, names in _WHERE.items() for name in names})
