"""What pages look like, compared roughly: a layout that broke differs, another font's version does not.

A screenshot of the window is scaled down to one dot for a block of 16 x 16 pixels, so that letters
become grey and only where things stand, how large they are and their colours remain. Two tests:

- mean difference of all dots at most `MEAN` of 255;
- at most `SHARE` of the dots differ by more than `FAR` of 255.

Both limits are at least twice what another font size by 1.5 %, or other letter widths by .02 em,
make of these pages, and at most half of what a missing style sheet, a hidden header or a column that
runs out of the window makes (tested). To draw the pictures anew after a wanted change:
PLUMBLINE_PICTURES=new pytest tests/browser
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parents[1] / "browser" / "pictures"
BLOCK = 16
MEAN, FAR, SHARE = 6.0, 48.0, 0.05


def drawn(page: Any) -> np.ndarray:
    """The window as dots; shape (height / 16, width / 16, 3), 0 to 255.

    The footer names the folder of the runs, which differs between machines.
    """
    from PIL import Image

    page.evaluate("() => document.fonts.ready")
    # Hidden, not masked: its height depends on the length of that name.
    page.locator("footer").evaluate_all("all => all.forEach(one => { one.hidden = true; })")
    picture = Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide"))).convert(
        "RGB"
    )
    size = (picture.width // BLOCK, picture.height // BLOCK)
    return np.asarray(picture.resize(size, Image.Resampling.BOX), float)


def differences(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Mean difference of all dots, and the share of dots that differ by more than `FAR`."""
    if one.shape != other.shape:
        return 255.0, 1.0
    apart = np.abs(one - other).max(axis=2)
    return float(apart.mean()), float((apart > FAR).mean())


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two pictures show the same layout."""
    mean, share = differences(one, other)
    return mean <= MEAN and share <= SHARE


def same(page: Any, name: str) -> None:
    """Fail where a page does not look like its committed picture."""
    from PIL import Image

    path = FOLDER / f"{name}.png"
    found = drawn(page)
    if os.environ.get("PLUMBLINE_PICTURES") == "new":
        FOLDER.mkdir(exist_ok=True)
        Image.fromarray(found.round().astype(np.uint8)).save(path, optimize=True)
        return
    assert path.is_file(), f"no picture {path}: draw it with PLUMBLINE_PICTURES=new"
    wanted = np.asarray(Image.open(path).convert("RGB"), float)
    mean, share = differences(found, wanted)
    assert alike(found, wanted), (
        f"{name}: mean difference {mean:.1f}, {share:.1%} of the dots far off"
    )
