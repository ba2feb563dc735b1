"""From source to release, solutions and bundle."""
