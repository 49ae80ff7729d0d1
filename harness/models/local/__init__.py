"""The local model: reads the screen with OCR and follows plain sentences. No key, no network, only pixels."""
