# ---
# kind: mistake
# title: "a quantile between two scores"
# scores: {cascade: 6}
# ---

# %% cascade
def stage_threshold(scores, is_face, rate):
    return np.quantile(scores[is_face], 1 - rate)


def run_cascade(F, stages):
    accepted, looked = np.ones(len(F), dtype=bool), np.zeros(len(F), dtype=int)
    for stage in stages:
        looked[accepted] += len(stage["stumps"])
        accepted[accepted] = stage_score(F[accepted], stage) >= stage["threshold"]
    return accepted, looked
