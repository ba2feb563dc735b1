# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Three small questions
#
# An exercise that computes next to nothing and imports what a course on vision imports: it shows what a marker costs
# by itself.

# %% nbgrader={"grade": false, "grade_id": "imports", "locked": true, "schema_version": 3, "solution": false, "task": false}
import cv2
import matplotlib.pyplot as plt
import numpy as np
import sklearn.metrics
import torch
import torchvision

# %% [markdown]
# ## 1. Standardise
#
# Give each row mean 0 and standard deviation 1.


# %% nbgrader={"grade": false, "grade_id": "standardise", "locked": false, "schema_version": 3, "solution": true, "task": false}
def standardise(rows):
    """Return rows, an array (n, d) of float64, with mean 0 and (population) standard deviation 1 each."""
    ### BEGIN SOLUTION
    centred = rows - rows.mean(axis=1, keepdims=True)
    return centred / centred.std(axis=1, keepdims=True)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "standardise-public", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
assert standardise(np.array([[1.0, 2.0, 4.0]])).shape == (1, 3), "The result has the shape of the rows."

# %% nbgrader={"grade": true, "grade_id": "standardise-hidden", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
assert callable(standardise), "standardise has to be a function."
### BEGIN HIDDEN TESTS
rows = np.random.default_rng(1).normal(5, 3, size=(20, 30))
result = standardise(rows)
np.testing.assert_allclose(np.mean(result, axis=1), 0, atol=1e-9, err_msg="Each row needs mean 0.")
np.testing.assert_allclose(np.std(result, axis=1), 1, rtol=1e-9, err_msg="Each row needs standard deviation 1.")
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Distances
#
# Squared Euclidean distance from each row of one array to each row of the other.


# %% nbgrader={"grade": false, "grade_id": "distances", "locked": false, "schema_version": 3, "solution": true, "task": false}
def distances(left, right):
    """Return the (n, m) squared distances between the rows of left (n, d) and right (m, d)."""
    ### BEGIN SOLUTION
    return ((left[:, None, :] - right[None, :, :]) ** 2).sum(axis=2)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "distances-hidden", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
assert distances(np.zeros((2, 3)), np.ones((4, 3))).shape == (2, 4), "One row a left row, one column a right row."
### BEGIN HIDDEN TESTS
random = np.random.default_rng(2)
left, right = random.normal(size=(7, 5)), random.normal(size=(9, 5))
expected = sklearn.metrics.pairwise_distances(left, right, metric="sqeuclidean")
np.testing.assert_allclose(distances(left, right), expected, rtol=1e-9, err_msg="Squared distances, not distances.")
### END HIDDEN TESTS

# %% [markdown]
# ## 3. Smooth
#
# Replace each element of a signal by the mean of itself and its two neighbours; leave out both ends.


# %% nbgrader={"grade": false, "grade_id": "smooth", "locked": false, "schema_version": 3, "solution": true, "task": false}
def smooth(signal):
    """Return the means of three neighbours of signal (n,): an array (n - 2,)."""
    ### BEGIN SOLUTION
    return (signal[:-2] + signal[1:-1] + signal[2:]) / 3
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "smooth-hidden", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
assert len(smooth(np.arange(5.0))) == 3, "Both ends are left out."
### BEGIN HIDDEN TESTS
signal = np.random.default_rng(3).normal(size=50)
kernel = torch.full((1, 1, 3), 1 / 3, dtype=torch.float64)
expected = torch.nn.functional.conv1d(torch.from_numpy(signal)[None, None], kernel)[0, 0].numpy()
np.testing.assert_allclose(smooth(signal), expected, rtol=1e-9, err_msg="The mean of three neighbours.")
### END HIDDEN TESTS
