"""Tiny made-up folders in the layout of the real data sets; every picture has one colour, so that it is known
again."""

import numpy as np
from PIL import Image
from scipy.io import wavfile

WNIDS = ("n01", "n02", "n03")


def picture(path, colour, size=64, mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (size, size), colour).save(path, quality=95)


def tiny_imagenet(root, n_train=12, n_val=6):
    """Three classes of ``n_train`` pictures, grey level 10 * class + number, and validation pictures of level
    100 + number."""
    folder = root / "tiny-imagenet-200"
    for label, wnid in enumerate(WNIDS):
        for number in range(n_train):
            picture(folder / "train" / wnid / "images" / f"{wnid}_{number}.JPEG", (20 * label + number,) * 3)
    lines = []
    for number in range(n_val):
        picture(folder / "val" / "images" / f"val_{number}.JPEG", 100 + number, mode="L")
        lines.append(f"val_{number}.JPEG\t{WNIDS[number % 3]}\t0\t0\t62\t62")
    (folder / "val" / "val_annotations.txt").write_text("\n".join(lines) + "\n")
    (folder / "wnids.txt").write_text("\n".join(WNIDS) + "\n")
    (folder / "words.txt").write_text("n02\tgoose\nn01\ttabby, tabby cat\nn03\tcannon\nn09\tentity\n")
    return folder


def recording(path, samples, rate=8000):
    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, rate, np.asarray(samples, dtype=np.int16))
