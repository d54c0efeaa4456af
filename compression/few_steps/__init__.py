"""From a diffusion teacher of many network calls to a student of one, two or four."""
