"""Helpers of the course: data sets, a pretrained network, plots."""
