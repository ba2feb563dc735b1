# ---
# kind: mistake
# title: "windows always stand side by side"
# scores: {pool-backward: 0}
# ---

# %% pool-backward
def pool_backward(x, gradient, kernel, stride, mode):
    result = np.zeros(np.shape(x))
    for (row, column), g in np.ndenumerate(gradient):
        area = np.s_[row * kernel : row * kernel + kernel, column * kernel : column * kernel + kernel]
        if mode == "max":
            result[area].flat[x[area].argmax()] += g
        else:
            result[area] += g / kernel**2
    return result
