"""Pictures, speech and text to explain: ``photographs()`` needs no download, full data sets lie under ``XAI_DATA``."""

from xaiutils._lazy import lazily

__getattr__, __dir__ = lazily(
    __name__,
    {
        "Images": "images",
        "read_image": "images",
        "read_images": "images",
        "explained_files": "explained",
        "explained_pictures": "explained",
        "photograph": "embedded",
        "photograph_files": "embedded",
        "photographs": "embedded",
        "imagenet_files": "imagenet",
        "imagenet_folder": "imagenet",
        "in_a_corner": "composites",
        "side_by_side": "composites",
        "object_mask": "masks",
    },
)
