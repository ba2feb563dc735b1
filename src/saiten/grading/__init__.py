"""Running and judging one submission."""
