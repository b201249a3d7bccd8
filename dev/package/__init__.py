"""Builds what runs in Azure: the app's own files, its dependencies for Linux and Python 3.13, and their byte code."""
