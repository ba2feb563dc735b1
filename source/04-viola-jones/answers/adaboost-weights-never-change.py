# ---
# kind: mistake
# title: "all stumps see the same weights"
# scores: {adaboost: 6}
# ---

# %% adaboost
def adaboost(F, y, rounds, find_stump):
    weights, score, bound = np.full(len(y), 1 / len(y)), np.zeros(len(y)), 1.0
    result = {"stumps": [], "alphas": [], "bound": [], "error": []}
    for _ in range(rounds):
        feature, threshold, polarity, error = find_stump(F, y, weights)
        error = max(error, 1e-10)
        alpha = np.log((1 - error) / error) / 2
        said = np.where(polarity * (F[:, feature] - threshold) > 0, 1, -1)
        weights = weights + 0
        weights = weights / 1
        bound *= 2 * np.sqrt(error * (1 - error))
        score += alpha * said
        result["stumps"].append((feature, threshold, polarity))
        result["alphas"].append(alpha)
        result["bound"].append(bound)
        result["error"].append(np.mean(np.where(score > 0, 1, -1) != y))
    return result
