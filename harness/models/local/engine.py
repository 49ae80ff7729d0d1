"""The two networks that read: one finds text, one recognises it. Both ship inside the `rapidocr` wheel."""

import importlib.util
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from harness.errors import ModelError
from harness.models.local.pixels import Image, Rect

_HEIGHT = 48
_BUCKET = 64
_STRIDE = 8
_BATCH_PIXELS = 4096


@dataclass(frozen=True)
class Reading:
    """What one strip of pixels says."""

    text: str
    """The characters."""
    score: float
    """Mean probability of the characters, 0 to 1."""
    centres: tuple[float, ...]
    """Where each character is, as a share of the strip's width."""


class Engine:
    """PP-OCRv6 (small) on onnxruntime."""

    def __init__(self, threads: int) -> None:
        """Load both networks.

        Raises:
            ModelError: if the installed `rapidocr` does not carry them.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        # Threads that spin while they wait would take the browser's processor time.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._find = onnxruntime.InferenceSession(
            _weights("*det*.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._name = onnxruntime.InferenceSession(
            _weights("*rec*.onnx"), options, providers=["CPUExecutionProvider"]
        )
        characters = self._name.get_modelmeta().custom_metadata_map["character"].splitlines()
        self._alphabet: tuple[str, ...] = ("", *characters, " ")

    def detect(self, image: Image, scale: float) -> list[Rect]:
        """Find the text in an image that is enlarged by `scale` first; boxes are in its own pixels."""
        height, width = image.shape[:2]
        rows = max(32, math.ceil(height * scale / 32) * 32)
        columns = max(32, math.ceil(width * scale / 32) * 32)
        canvas = np.full((rows, columns, 3), _edge_colour(image), np.uint8)
        large = image if scale == 1 else np.asarray(cv2.resize(image, None, fx=scale, fy=scale), np.uint8)
        canvas[: large.shape[0], : large.shape[1]] = large[:rows, :columns]
        chances = self._find.run(None, {self._find.get_inputs()[0].name: _planes(canvas)[None]})[0][0, 0]
        mask = cv2.dilate((chances > 0.3).astype(np.uint8), np.ones((2, 2), np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        found: list[Rect] = []
        for index in range(1, count):
            x, y, w, h = (int(value) for value in stats[index, :4])
            if min(w, h) < 3:
                continue
            inside = labels[y : y + h, x : x + w] == index
            if float(chances[y : y + h, x : x + w][inside].mean()) < 0.5:
                continue
            # The network marks the core of a line; its ink reaches further by a share of the core's height.
            grow = w * h * 1.6 / (2 * (w + h))
            left, top = max(0.0, (x - grow) / scale), max(0.0, (y - grow) / scale)
            right = min(float(width), (x + w + grow) / scale)
            bottom = min(float(height), (y + h + grow) / scale)
            if right - left > 3 and bottom - top > 3:
                found.append(Rect(round(left), round(top), round(right), round(bottom)))
        return found

    def recognise(self, strips: Sequence[Image]) -> list[Reading]:
        """Read strips of one text line each. What a strip says depends on that strip alone."""
        readings: list[Reading | None] = [None] * len(strips)
        groups: dict[int, list[int]] = {}
        for index, strip in enumerate(strips):
            wide = math.ceil(_HEIGHT * strip.shape[1] / strip.shape[0] / _BUCKET) * _BUCKET
            groups.setdefault(max(_BUCKET, wide), []).append(index)
        for wide, members in sorted(groups.items()):
            size = max(1, _BATCH_PIXELS // wide)
            for start in range(0, len(members), size):
                part = members[start : start + size]
                batch = np.zeros((len(part), 3, _HEIGHT, wide), np.float32)
                used: list[int] = []
                for place, index in enumerate(part):
                    strip = strips[index]
                    fit = min(wide, math.ceil(_HEIGHT * strip.shape[1] / strip.shape[0]))
                    batch[place, :, :, :fit] = _planes(
                        np.asarray(cv2.resize(strip, (fit, _HEIGHT)), np.uint8)
                    )
                    used.append(fit)
                output = self._name.run(None, {self._name.get_inputs()[0].name: batch})[0]
                for place, index in enumerate(part):
                    readings[index] = self._decode(output[place], used[place])
        return [reading for reading in readings if reading is not None]

    def _decode(self, output: NDArray[np.float32], used: int) -> Reading:
        best = output.argmax(axis=1)
        chance = output.max(axis=1)
        keep = best != 0
        keep[1:] &= best[1:] != best[:-1]
        steps = np.flatnonzero(keep)
        if not len(steps):
            return Reading("", 0.0, ())
        text = "".join(self._alphabet[int(best[step])] for step in steps)
        centres = tuple(min(1.0, (int(step) + 0.5) * _STRIDE / used) for step in steps)
        return Reading(text, float(chance[steps].mean()), centres)


def _planes(image: Image) -> NDArray[np.float32]:
    return np.ascontiguousarray((image.astype(np.float32) / 127.5 - 1.0).transpose(2, 0, 1))


def _edge_colour(image: Image) -> NDArray[np.uint8]:
    return np.asarray(np.median(image[-1], axis=0), np.uint8)


def _weights(pattern: str) -> str:
    spec = importlib.util.find_spec("rapidocr")
    if spec is not None and spec.submodule_search_locations:
        for folder in spec.submodule_search_locations:
            found = sorted((Path(folder) / "models").glob(pattern))
            if found:
                return str(found[0])
    raise ModelError(
        f"the local model reads with the networks inside the rapidocr package, and it has no {pattern}; "
        "install it again: pip install --force-reinstall 'rapidocr>=3.10'"
    )
