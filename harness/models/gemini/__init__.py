"""Gemini's computer use, over the Google Gen AI SDK: the Gemini API, and Vertex AI."""
