"""Spoken words from eSpeak NG, whose library comes with the package ``espeakng-loader``: any word, many
voices, no download.

The library's oscillators go on where the last word left them, and its noise is seeded by the clock, so that a
word sounds a little different each time. Therefore every call here runs this file in a fresh process with a
fixed seed: same requests, same samples.
"""

import ctypes
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

RATE = 8000  # samples a second of everything here: that of the recorded digits
ACCENTS = ("en-us", "en", "en-gb-scotland", "en-gb-x-rp", "en-029")
SYNCHRONOUS, DO_NOT_EXIT, UTF8 = 2, 0x8000, 1  # from eSpeak NG's speak_lib.h, as are the next two
SPEED, PITCH = 1, 3
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def speak(text, voice="en-us", *, pitch=50, speed=150):
    """The sound of ``text``: float32 samples in [-1, 1], ``RATE`` a second, without silence before and after.

    ``voice``  an accent, of which ``ACCENTS`` are some, optionally with a variant of the voice: "en-us",
               "en+f2"
    ``pitch``  0 to 99; ``speed`` 80 to 450 words a minute
    """
    return speak_all([{"text": text, "voice": voice, "pitch": pitch, "speed": speed}])[0]


def speak_all(requests):
    """The sounds of many ``requests``, dictionaries of ``speak``'s four arguments, spoken one after the
    other."""
    from scipy.signal import resample_poly  # here, so that the speaking process need not wait for it

    for request in requests:
        _check(**request)
    spoken = subprocess.run(
        [sys.executable, __file__], input=json.dumps(requests).encode(), capture_output=True, check=False
    )
    if spoken.returncode:
        raise ValueError(f"eSpeak NG could not speak: {spoken.stderr.decode().strip().splitlines()[-1]}")
    with np.load(io.BytesIO(spoken.stdout)) as sounds:
        rate = int(sounds["rate"])
        spoken = [resample_poly(sounds[str(number)] / 2**15, RATE, rate) for number in range(len(requests))]
    return [trim(sound.clip(-1, 1)).astype(np.float32) for sound in spoken]


def _check(text, voice, pitch, speed):
    if not text.strip():
        raise ValueError(f"text must hold a word to speak, got {text!r}")
    if not 0 <= pitch <= 99 or not 80 <= speed <= 450:
        raise ValueError(f"pitch must be 0 to 99 and speed 80 to 450 words a minute, got {pitch} and {speed}")


class Espeak:
    """The library, started once in this process."""

    def __init__(self):
        import espeakng_loader

        self.library, self.chunks = ctypes.CDLL(espeakng_loader.get_library_path()), []
        self.variants = Path(espeakng_loader.get_data_path()) / "voices" / "!v"
        self.rate = self.library.espeak_Initialize(
            SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), DO_NOT_EXIT
        )
        if self.rate <= 0:
            raise RuntimeError(
                f"eSpeak NG did not start with the data in {espeakng_loader.get_data_path()!r}: error {self.rate}"
            )
        self.library.espeak_ng_SetRandSeed(ctypes.c_long(1))
        self.receive = CALLBACK(self._receive)  # kept here, since the library does not keep it alive
        self.library.espeak_SetSynthCallback(self.receive)

    def _receive(self, samples, count, _):
        if samples and count > 0:
            self.chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def speak(self, text, voice, pitch, speed):
        """16-bit samples, ``rate`` a second."""
        variant = voice.partition("+")[2]
        if self.library.espeak_SetVoiceByName(voice.encode()) != 0 or not (self.variants / variant).exists():
            raise ValueError(
                f"voice must be one it knows, such as {', '.join(ACCENTS)} or 'en-us+f2', got {voice!r}"
            )
        self.library.espeak_SetParameter(PITCH, pitch, 0)
        self.library.espeak_SetParameter(SPEED, speed, 0)
        self.chunks.clear()
        encoded = text.encode()
        self.library.espeak_Synth(encoded, len(encoded) + 1, 0, 0, 0, UTF8, None, None)
        self.library.espeak_Synchronize()
        return np.concatenate(self.chunks)


def trim(sound, threshold=0.01):
    """``sound`` from its first to its last sample louder than ``threshold`` times the loudest."""
    loud = np.flatnonzero(np.abs(sound) > threshold * np.abs(sound).max())
    return sound[loud[0] : loud[-1] + 1]


if __name__ == "__main__":
    espeak = Espeak()
    samples = {str(number): espeak.speak(**request) for number, request in enumerate(json.load(sys.stdin))}
    np.savez(sys.stdout.buffer, rate=espeak.rate, **samples)
