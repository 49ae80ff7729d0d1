import hashlib

import pytest
from harness.screen import Screenshot
from harness.testing import blank


def test_a_screenshot_knows_its_size_and_hash() -> None:
    shot = blank(33, 17)
    assert (shot.width, shot.height) == (33, 17)
    assert shot.sha256 == hashlib.sha256(shot.png).hexdigest()
    assert "png" not in shot.model_dump()


def test_what_is_not_a_png_is_refused() -> None:
    with pytest.raises(ValueError, match="PNG"):
        Screenshot.of(b"GIF89a")
