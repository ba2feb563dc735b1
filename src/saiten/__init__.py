"""Saiten (採点): turns instructor notebooks into student releases and marks what comes back."""

from importlib.metadata import version

__version__ = version("saiten")
