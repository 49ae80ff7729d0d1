"""OpenAI's and Azure OpenAI's models over the Responses API."""
