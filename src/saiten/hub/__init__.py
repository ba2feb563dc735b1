"""The hub: submissions are taken from nbgrader's exchange as they come, marked at once, and shown on pages.

In: a course on a JupyterHub. Out: `saiten serve` (the marking service) and `saiten hub` (a whole hub for a trial).
"""
