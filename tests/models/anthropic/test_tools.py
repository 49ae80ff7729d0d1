from typing import Any

from harness.models.anthropic.tools import betas, declared, zooms
from harness.models.functions import EXTRAS


def names(tools: Any) -> list[str]:
    return [one["name"] for one in tools[1:]]


def test_the_first_single_tool_says_its_size_and_cannot_zoom() -> None:
    tools: Any = declared("computer_20250124", 1280, 720)
    assert tools[0] == {
        "type": "computer_20250124",
        "name": "computer",
        "display_width_px": 1280,
        "display_height_px": 720,
    }
    assert betas("computer_20250124") == ("computer-use-2025-01-24",)
    assert not zooms("computer_20250124")


def test_the_second_single_tool_zooms() -> None:
    tools: Any = declared("computer_20251124", 1280, 720)
    assert tools[0] == {
        "type": "computer_20251124",
        "name": "computer",
        "display_width_px": 1280,
        "display_height_px": 720,
        "enable_zoom": True,
    }
    assert betas("computer_20251124") == ("computer-use-2025-11-24",)


def test_the_toolset_has_neither_name_nor_size_nor_beta() -> None:
    tools: Any = declared("computer_toolset_20260801", 1280, 720)
    assert tools[0] == {"type": "computer_toolset_20260801"}
    assert betas("computer_toolset_20260801") == ()
    assert zooms("computer_toolset_20260801")


def test_our_own_functions_are_offered_beside_it_and_a_cache_may_end_there() -> None:
    tools: Any = declared("computer_toolset_20260801", 1280, 720)
    assert names(tools) == list(EXTRAS)
    assert all(one["input_schema"]["type"] == "object" for one in tools[1:])
    assert [one.get("cache_control") for one in tools[1:]] == [
        *[None] * (len(EXTRAS) - 1),
        {"type": "ephemeral"},
    ]
