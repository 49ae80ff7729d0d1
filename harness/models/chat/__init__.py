"""Everything that speaks Chat Completions: OpenAI's own, Azure's, and any server that speaks like them."""
