# ---
# kind: mistake
# title: "every one of equals gets the whole gradient"
# scores: {pool-backward: 7}
# ---

# %% pool-backward
def pool_backward(x, gradient, kernel, stride, mode):
    result = np.zeros(np.shape(x))
    for (row, column), g in np.ndenumerate(gradient):
        area = np.s_[row * stride : row * stride + kernel, column * stride : column * stride + kernel]
        if mode == "max":
            result[area] += g * (x[area] == x[area].max())
        else:
            result[area] += g / kernel**2
    return result
