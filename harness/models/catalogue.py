"""What is known of models."""

from pydantic import BaseModel, ConfigDict


class ModelFacts(BaseModel):
    """What is known of a model; nothing where it is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """Its name."""
    context_window: int | None = None
    """Tokens that fit."""
