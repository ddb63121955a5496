#!/usr/bin/env python3
"""The demo music: three short pieces, synthesised here and encoded with lame.

    python3 tests/demo/make.py [FOLDER]      (FOLDER: config/demo)

Needs Python 3 and lame. The same source makes the same sound; the pieces belong to the project.
"""

import array
import math
import random
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

RATE = 44100
TABLE = 4096
KBITS = 64  # three pieces of 16 s stay below 400 KB

NAMES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def pitch(name):
    """Hertz of a note such as C4, F#3 or Bb5."""
    semitone = NAMES[name[0]] + {"#": 1, "b": -1}.get(name[1], 0)
    return 440.0 * 2 ** ((semitone + 12 * (int(name[-1]) + 1) - 69) / 12)


def table(harmonics):
    """One period made of the given strengths of its harmonics."""
    return [
        sum(a * math.sin(2 * math.pi * (n + 1) * i / TABLE) for n, a in enumerate(harmonics) if a)
        for i in range(TABLE)
    ]


SINE = table([1.0])
WARM = table([1.0, 0.45, 0.22, 0.12, 0.06, 0.03])
BASS = table([1.0, 0.35, 0.08])
REED = table([1.0, 0.1, 0.5, 0.05, 0.22, 0.02, 0.08])
TRIANGLE = table([(-1) ** (n // 2) / (n + 1) ** 2 if n % 2 == 0 else 0 for n in range(15)])
PULSE = table([math.sin(math.pi * n / 4) / n for n in range(1, 18)])
SQUARE = table([1 / n if n % 2 else 0 for n in range(1, 16)])


class Piece:
    """A stereo buffer that instruments play into."""

    def __init__(self, title, seconds, seed):
        self.title = title
        self.count = int(seconds * RATE)
        self.left = array.array("d", bytes(8 * self.count))
        self.right = array.array("d", bytes(8 * self.count))
        self.noise = random.Random(seed)

    def add(self, start, samples, pan=0.0):
        """Mixes samples in at a time; pan goes from -1 (left) to 1 (right)."""
        first = int(start * RATE)
        angle = (pan + 1) * math.pi / 4
        l, r = math.cos(angle), math.sin(angle)
        left, right = self.left, self.right
        for i, value in enumerate(samples[: max(0, self.count - first)], first):
            left[i] += l * value
            right[i] += r * value

    def tone(self, start, length, hertz, gain, wavetable, attack=0.005, decay=None, release=0.05,
             pan=0.0, vibrato=0.0):
        """A note of a wavetable: attack, then held or decaying, then released."""
        total = int((length + release) * RATE)
        held, rise, fall = int(length * RATE), max(1, int(attack * RATE)), max(1, int(release * RATE))
        shrink = math.exp(-1 / (decay * RATE)) if decay else 1.0
        step, phase, level, out = hertz * TABLE / RATE, 0.0, gain, []
        wobble = 2 * math.pi * 5.1 / RATE
        for i in range(total):
            value = level * wavetable[int(phase) % TABLE]
            if i < rise:
                value *= i / rise
            if i > held:
                value *= max(0.0, 1 - (i - held) / fall)
            out.append(value)
            phase += step * (1 + vibrato * math.sin(wobble * i)) if vibrato else step
            level *= shrink
        self.add(start, out, pan)

    def piano(self, start, hertz, gain, pan=0.0, ring=0.9):
        """An electric piano: a sine whose phase another sine shakes ever less."""
        out = []
        step = 2 * math.pi * hertz / RATE
        index, bright = 1.1 * gain ** 0.3, 0.25
        fall = math.exp(-1 / (ring * RATE))
        dull = math.exp(-1 / (0.35 * ring * RATE))
        tine = math.exp(-1 / (0.05 * RATE))
        level = gain
        for i in range(int(ring * 4.5 * RATE)):
            angle = step * i
            value = math.sin(angle + index * math.sin(angle)) + bright * math.sin(7 * angle)
            out.append(level * value * min(1.0, i / 90))
            level *= fall
            index *= dull
            bright *= tine
        self.add(start, out, pan)

    def kick(self, start, gain):
        out, phase = [], 0.0
        for i in range(int(0.28 * RATE)):
            t = i / RATE
            phase += 2 * math.pi * (46 + 95 * math.exp(-t / 0.028)) / RATE
            out.append(gain * math.exp(-t / 0.09) * math.sin(phase) * min(1.0, i / 40))
        self.add(start, out)

    def brush(self, start, gain, length=0.05, colour=0.6, pan=0.0):
        """Noise: a hat where it is bright and short, a snare where it is dull and longer."""
        out, last = [], 0.0
        for i in range(int(length * 5 * RATE)):
            white = self.noise.uniform(-1, 1)
            value = white - colour * last
            last = white
            out.append(gain * math.exp(-i / (length * RATE)) * value * min(1.0, i / 20))
        self.add(start, out, pan)

    def room(self, wet, size=1.0):
        """A reverberation: four combs and two all-passes a side, the sides slightly apart."""
        for buffer, apart in ((self.left, 0), (self.right, 23)):
            sum_of = array.array("d", bytes(8 * self.count))
            for delay, back in ((1557, 0.80), (1617, 0.79), (1491, 0.81), (1422, 0.82)):
                delay = int(delay * size) + apart
                line, at, damped = [0.0] * delay, 0, 0.0
                for i, value in enumerate(buffer):
                    old = line[at]
                    damped = 0.72 * old + 0.28 * damped
                    line[at] = value + back * damped
                    at = at + 1 if at + 1 < delay else 0
                    sum_of[i] += old
            for delay in (225 + apart, 556 + apart):
                line, at = [0.0] * delay, 0
                for i, value in enumerate(sum_of):
                    old = line[at]
                    mixed = value + 0.5 * old
                    line[at] = mixed
                    at = at + 1 if at + 1 < delay else 0
                    sum_of[i] = old - 0.5 * mixed
            for i, value in enumerate(sum_of):
                buffer[i] += wet * value

    def finish(self, loudness=0.16, fade=1.4):
        """Brings the piece to a mean loudness, rounds its peaks off and lets its end fade."""
        power = sum(v * v for v in self.left) + sum(v * v for v in self.right)
        scale = loudness / math.sqrt(power / (2 * self.count))
        tail = int(fade * RATE)
        for i in range(self.count):
            gain = scale * min(1.0, i / 200, (self.count - i) / tail)
            self.left[i] = math.tanh(gain * self.left[i]) * 0.89
            self.right[i] = math.tanh(gain * self.right[i]) * 0.89

    def save(self, path):
        frames = array.array("h")
        for l, r in zip(self.left, self.right):
            frames.append(int(round(32767 * l)))
            frames.append(int(round(32767 * r)))
        if sys.byteorder == "big":
            frames.byteswap()
        with wave.open(str(path), "wb") as out:
            out.setnchannels(2)
            out.setsampwidth(2)
            out.setframerate(RATE)
            out.writeframes(frames.tobytes())


def harbour():
    """Slow chords, a broken chord above them, a bell now and then."""
    piece = Piece("Harbour at Dawn", 16.0, 1)
    chords = [
        ("D2", ["A3", "C#4", "E4", "F#4"], ["D4", "A4", "C#5", "E5", "F#5", "E5", "C#5", "A4"]),
        ("B1", ["A3", "B3", "D4", "F#4"], ["B3", "F#4", "A4", "D5", "E5", "D5", "A4", "F#4"]),
        ("G2", ["B3", "D4", "F#4", "A4"], ["D4", "G4", "B4", "D5", "F#5", "D5", "B4", "G4"]),
        ("A1", ["A3", "C#4", "E4", "B4"], ["E4", "A4", "B4", "C#5", "E5", "B4", "A4", "E4"]),
    ]
    bar = 3.5
    for n, (low, pad, run) in enumerate(chords):
        start = n * bar
        piece.tone(start, bar - 0.2, pitch(low), 0.30, BASS, attack=0.12, release=0.9)
        for k, note in enumerate(pad):
            for bend, pan in ((0.9985, -0.6), (1.0015, 0.6)):
                piece.tone(start, bar - 0.1, pitch(note) * bend, 0.055, WARM, attack=0.7,
                           release=1.2, pan=pan * (0.5 + k / 6))
        for k, note in enumerate(run):
            piece.piano(start + k * bar / 8, pitch(note), 0.085 + 0.02 * (k == 0),
                        pan=-0.4 + 0.1 * k, ring=0.8)
    for start, note in ((1.75, "A5"), (5.25, "F#5"), (8.75, "B5"), (9.19, "A5"), (12.25, "E6")):
        piece.tone(start, 1.6, pitch(note), 0.06, SINE, decay=0.6, pan=0.45)
        piece.tone(start, 0.8, pitch(note) * 2.76, 0.014, SINE, decay=0.2, pan=0.45)
    for note, pan in (("D4", -0.3), ("A4", 0.0), ("C#5", 0.2), ("F#5", 0.4)):
        piece.piano(14.0 + 0.07 * (pan + 0.3), pitch(note), 0.1, pan=pan, ring=0.7)
    piece.tone(14.0, 1.0, pitch("D2"), 0.3, BASS, attack=0.03, release=0.9)
    piece.room(0.16, 1.15)
    piece.finish(loudness=0.13)
    return piece


def waltz():
    """Three in a bar: bass, two soft chords, and a reed that sings above them."""
    piece = Piece("Paper Waltz", 16.0, 2)
    beat = 0.4
    bars = [
        ("F2", ["A3", "C4", "F4"]), ("D2", ["A3", "D4", "F4"]),
        ("G2", ["Bb3", "D4", "F4"]), ("C2", ["Bb3", "C4", "E4"]),
        ("A2", ["A3", "C4", "F4"]), ("C#2", ["A3", "C#4", "E4"]),
        ("D2", ["A3", "D4", "F4"]), ("Bb1", ["Bb3", "D4", "F4"]),
        ("C2", ["A3", "C4", "F4"]), ("G2", ["B3", "D4", "F4"]),
        ("C2", ["Bb3", "C4", "E4"]), ("F2", ["A3", "C4", "F4"]),
    ]
    for n, (low, chord) in enumerate(bars):
        start = 3 * beat * n
        piece.tone(start, 0.75 * beat, pitch(low), 0.34, BASS, decay=0.7, release=0.2)
        for k in (1, 2):
            if n == len(bars) - 1 and k == 2:
                continue
            for i, note in enumerate(chord):
                piece.piano(start + k * beat, pitch(note), 0.075 - 0.015 * (k == 2),
                            pan=-0.35 + 0.25 * i, ring=0.32)
            piece.brush(start + k * beat, 0.035, 0.045, 0.3, pan=0.3)
        piece.brush(start, 0.022, 0.02, 0.9, pan=-0.3)
    melody = [
        ("A5", 2), ("G5", 1), ("F5", 2), ("D5", 1), ("F5", 1), ("E5", 1), ("D5", 1), ("C5", 3),
        ("A5", 2), ("Bb5", 1), ("A5", 2), ("G5", 1), ("F5", 1), ("G5", 1), ("A5", 1), ("D5", 3),
        ("C5", 1), ("F5", 1), ("A5", 1), ("G5", 2), ("F5", 1), ("E5", 1), ("D5", 1), ("E5", 1),
        ("F5", 3),
    ]
    at = 0
    for note, beats in melody:
        piece.tone(at * beat, beats * beat * 0.9, pitch(note), 0.115, REED, attack=0.035,
                   release=0.12, pan=0.12, vibrato=0.0035)
        piece.piano(at * beat, pitch(note) / 2, 0.035, pan=-0.2, ring=0.4)
        at += beats
    for i, note in enumerate(["F4", "A4", "C5", "F5", "A5"]):
        piece.piano(14.0 + 0.06 * i, pitch(note), 0.07, pan=-0.4 + 0.2 * i, ring=0.6)
    piece.room(0.10)
    piece.finish(loudness=0.13)
    return piece


def parade():
    """A small machine in good spirits: two pulses, a triangle, a noise."""
    piece = Piece("Pixel Parade", 15.2, 3)
    step = 60 / 142 / 4
    chords = [
        ("A2", ["A4", "C5", "E5"]), ("F2", ["A4", "C5", "F5"]),
        ("C3", ["G4", "C5", "E5"]), ("G2", ["G4", "B4", "D5"]),
        ("A2", ["A4", "C5", "E5"]), ("F2", ["A4", "C5", "F5"]),
        ("G2", ["G4", "B4", "F5"]), ("C3", ["G4", "C5", "E5"]),
    ]
    for n, (low, chord) in enumerate(chords):
        start = 16 * step * n
        for k in range(0, 16, 2):
            octave = 2 if k % 4 == 2 else 1
            piece.tone(start + k * step, 1.5 * step, pitch(low) * octave, 0.34, TRIANGLE,
                       release=0.02)
        for k in range(16):
            note = chord[(0, 1, 2, 1)[k % 4]]
            piece.tone(start + k * step, 0.7 * step, pitch(note), 0.05, SQUARE, decay=0.12,
                       release=0.02, pan=-0.45)
        for k in (0, 6, 8) if n % 2 else (0, 8, 10):
            piece.kick(start + k * step, 0.5)
        for k in (4, 12):
            piece.brush(start + k * step, 0.13, 0.05, 0.1, pan=0.1)
        for k in range(2, 16, 4):
            piece.brush(start + k * step, 0.05, 0.014, 0.95, pan=0.35)
    lead = [
        ("E5", 3), ("A5", 3), ("B5", 2), ("C6", 4), ("B5", 2), ("A5", 2),
        ("C6", 3), ("A5", 3), ("F5", 2), ("A5", 6), (None, 2),
        ("G5", 3), ("C6", 3), ("D6", 2), ("E6", 4), ("D6", 2), ("C6", 2),
        ("B5", 3), ("D6", 3), ("B5", 2), ("G5", 6), (None, 2),
        ("E5", 3), ("A5", 3), ("B5", 2), ("C6", 4), ("B5", 2), ("A5", 2),
        ("F5", 2), ("A5", 2), ("C6", 2), ("F6", 4), ("E6", 2), ("D6", 2), ("C6", 2),
        ("B5", 3), ("C6", 3), ("D6", 2), ("G5", 2), ("B5", 2), ("D6", 2), ("F6", 2),
        ("E6", 4), ("C6", 2), ("G5", 2), ("C6", 8),
    ]
    at = 0
    for note, steps in lead:
        if note:
            for delay, gain, pan in ((0, 0.115, 0.15), (3, 0.03, 0.65), (6, 0.014, -0.6)):
                piece.tone((at + delay) * step, steps * step * 0.88, pitch(note), gain, PULSE,
                           attack=0.003, decay=0.9, release=0.03, pan=pan, vibrato=0.003)
        at += steps
    end = 16 * step * len(chords)
    for i, note in enumerate(["C5", "E5", "G5", "C6", "E6", "G6", "C7"]):
        piece.tone(end + i * step * 0.66, 0.5, pitch(note), 0.09, PULSE, decay=0.35, pan=-0.5 + i / 6)
    for low in ("C2", "C3"):
        piece.tone(end, 1.2, pitch(low), 0.36, TRIANGLE, decay=1.0, release=0.4)
    piece.kick(end, 0.5)
    piece.brush(end, 0.1, 0.25, 0.5)
    piece.room(0.035, 0.8)
    piece.finish(loudness=0.125)
    return piece


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "config/demo")
    folder.mkdir(parents=True, exist_ok=True)
    for number, make in enumerate((harbour, waltz, parade), 1):
        piece = make()
        target = folder / f"{number}-{piece.title.lower().replace(' ', '-')}.mp3"
        with tempfile.TemporaryDirectory() as temporary:
            sound = Path(temporary) / "piece.wav"
            piece.save(sound)
            subprocess.run(
                ["lame", "--quiet", "-q", "0", "--cbr", "-b", str(KBITS), "-m", "j",
                 "--resample", "44.1", "--id3v2-only", "--pad-id3v2-size", "0", "--tt", piece.title,
                 "--ta", "musicdb-stream", "--tl", "Demo", "--tn", f"{number}/3",
                 str(sound), str(target)],
                check=True,
            )
        print(f"{target}: {target.stat().st_size} bytes")


main()
