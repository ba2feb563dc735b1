"""What marking costs: Saiten beside nbgrader and Otter, on one core, with the same class and the same tests."""
