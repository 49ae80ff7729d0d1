"""What is allowed: a policy file, and the engine that answers for it."""

from harness.policy.engine import Engine
from harness.policy.load import ready_made
from harness.policy.schema import Policy

__all__ = ["Engine", "Policy", "ready_made"]
