"""The rest of the app, where the real one has it."""
