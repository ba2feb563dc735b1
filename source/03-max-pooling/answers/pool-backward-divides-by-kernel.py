# ---
# kind: mistake
# title: "shares are g / k"
# scores: {pool-backward: 7}
# ---

# %% pool-backward
def pool_backward(x, gradient, kernel, stride, mode):
    result = np.zeros(np.shape(x))
    for (row, column), g in np.ndenumerate(gradient):
        area = np.s_[row * stride : row * stride + kernel, column * stride : column * stride + kernel]
        if mode == "max":
            result[area].flat[x[area].argmax()] += g
        else:
            result[area] += g / kernel
    return result
