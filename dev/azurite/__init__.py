"""Azurite, Microsoft's storage emulator: finds Node, installs the pinned packages, starts and stops it."""
