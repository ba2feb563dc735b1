# ---
# kind: right
# title: by the functions of libraries
# ---

# %% standardise
from sklearn.preprocessing import StandardScaler


def standardise(rows):
    return StandardScaler().fit_transform(rows.T).T


# %% distances
def distances(left, right):
    return torch.cdist(torch.as_tensor(left), torch.as_tensor(right)).numpy() ** 2


# %% smooth
def smooth(signal):
    return np.convolve(signal, np.ones(3) / 3, mode="valid")
