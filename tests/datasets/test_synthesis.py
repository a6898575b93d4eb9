import numpy as np
import pytest

from xaiutils.datasets import synthesis
from xaiutils.datasets.synthesis import speak, speak_all


def pitch_of(sound):
    """Fundamental frequency in Hz: the highest peak of the autocorrelation between 60 and 400 Hz, at the
    loudest place."""
    middle = int(np.abs(sound).argmax())
    piece = sound[max(0, middle - 600) : middle + 600]
    correlation = np.correlate(piece, piece, "full")[len(piece) - 1 :]
    lags = np.arange(synthesis.RATE // 400, synthesis.RATE // 60)
    return synthesis.RATE / lags[correlation[lags].argmax()]


def test_a_word_sounds_the_same_each_time_whatever_was_spoken_before():
    alone = speak("tree", "en-us+f2")
    np.testing.assert_array_equal(alone, speak("tree", "en-us+f2"))
    assert alone.dtype == np.float32 and np.abs(alone).max() <= 1


def test_many_words_come_in_the_order_asked_for():
    requests = [{"text": text, "voice": "en", "pitch": 50, "speed": 150} for text in ("a", "extraordinary")]
    short, long = speak_all(requests)
    assert len(long) > 2 * len(short)


def test_speed_and_pitch_do_what_they_say():
    assert len(speak("seven", speed=100)) > 1.3 * len(speak("seven", speed=200))
    assert pitch_of(speak("oh", pitch=90)) > 1.3 * pitch_of(speak("oh", pitch=10))


def test_silence_is_trimmed():
    sound = np.array([0.0, 0.001, 0.5, 0.0, -1.0, 0.009, 0.0])
    assert synthesis.trim(sound).tolist() == [0.5, 0.0, -1.0]


@pytest.mark.parametrize("voice", ["nowhere", "en-us+nobody"])
def test_an_unknown_voice_is_refused(voice):
    with pytest.raises(
        ValueError, match=rf"voice must be one it knows, such as en-us, .* got '{voice.replace('+', '.')}'"
    ):
        speak("tree", voice)


def test_bad_requests_are_refused():
    with pytest.raises(ValueError, match="text must hold a word to speak, got ' '"):
        speak(" ")
    with pytest.raises(
        ValueError, match="pitch must be 0 to 99 and speed 80 to 450 words a minute, got 100 and 150"
    ):
        speak("tree", pitch=100)
