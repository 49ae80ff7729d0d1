"""Anthropic's computer tools: how each is declared, and which header it needs.

`computer_20250124` and `computer_20251124` are one tool with an `action`; `computer_toolset_20260801` is a
tool for each action, told from our own functions of the same name by the `toolset_name` of its calls.
"""

from typing import Final, Literal, assert_never

from pydantic import JsonValue

from harness.models.dialect import JsonObject
from harness.models.functions import EXTRAS, functions

Tool = Literal["computer_20250124", "computer_20251124", "computer_toolset_20260801"]
"""The type of a computer tool."""

Provider = Literal["anthropic", "bedrock", "bedrock-mantle", "vertex", "foundry"]
"""Whose platform; `bedrock` is Amazon's invoke API, `bedrock-mantle` its newer Messages API."""

FAMILY: Final = "computer"
"""The `toolset_name` of the toolset's calls, and the name of the single tool."""


def betas(tool: Tool) -> tuple[str, ...]:
    """Give what must stand in the header `anthropic-beta`; nothing for what is generally available."""
    match tool:
        case "computer_20250124":
            return ("computer-use-2025-01-24",)
        case "computer_20251124":
            return ("computer-use-2025-11-24",)
        case "computer_toolset_20260801":
            return ()
        case _:
            assert_never(tool)


def zooms(tool: Tool) -> bool:
    """Whether the tool can zoom."""
    return tool != "computer_20250124"


def declared(tool: Tool, width: int, height: int) -> list[JsonValue]:
    """Write `tools`: the computer tool and our own functions; a cache may end after them.

    Args:
        tool: which computer tool.
        width: pixels of the screenshots that are sent.
        height: pixels of the screenshots that are sent.
    """
    computer: JsonObject = {"type": tool}
    if tool != "computer_toolset_20260801":
        computer |= {"name": FAMILY, "display_width_px": width, "display_height_px": height}
    if tool == "computer_20251124":
        computer["enable_zoom"] = True
    ours: list[JsonObject] = [
        {"name": one["name"], "description": one["description"], "input_schema": one["parameters"]}
        for one in functions(EXTRAS)
    ]
    ours[-1]["cache_control"] = {"type": "ephemeral"}
    return [computer, *ours]
