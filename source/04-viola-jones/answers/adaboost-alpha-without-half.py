# ---
# kind: mistake
# title: "alpha without the one half"
# scores: {adaboost: 4}
# ---

# %% adaboost
def adaboost(F, y, rounds, find_stump):
    weights, score, bound = np.full(len(y), 1 / len(y)), np.zeros(len(y)), 1.0
    result = {"stumps": [], "alphas": [], "bound": [], "error": []}
    for _ in range(rounds):
        feature, threshold, polarity, error = find_stump(F, y, weights)
        error = max(error, 1e-10)
        alpha = np.log((1 - error) / error)
        said = np.where(polarity * (F[:, feature] - threshold) > 0, 1, -1)
        weights = weights * np.exp(-alpha * y * said)
        weights = weights / weights.sum()
        bound *= 2 * np.sqrt(error * (1 - error))
        score += alpha * said
        result["stumps"].append((feature, threshold, polarity))
        result["alphas"].append(alpha)
        result["bound"].append(bound)
        result["error"].append(np.mean(np.where(score > 0, 1, -1) != y))
    return result
