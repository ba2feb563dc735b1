# ---
# kind: mistake
# title: "forgets the 2 in the exponent"
# scores: {max-or-sum: 6}
# ---

# %% max-or-sum
def c_responses(picture, features, mode):
    responses = []
    for feature in features:
        s = np.maximum(correlate2d(picture, feature, mode="valid"), 0)
        responses.append(s.max() if mode == "max" else s.sum())
    return np.array(responses)


def it_cell(picture, preferred, features, mode, sigma):
    best = c_responses(preferred, features, mode)
    distance = np.sum((c_responses(picture, features, mode) - best) ** 2)
    return np.exp(-distance / (sigma**2 * np.sum(best**2)))
