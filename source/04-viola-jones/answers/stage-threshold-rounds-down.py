# ---
# kind: mistake
# title: "keeps one face too few where the rate is between two counts"
# scores: {cascade: 6}
# ---

# %% cascade
def stage_threshold(scores, is_face, rate):
    falling = np.sort(scores[is_face])[::-1]
    return falling[max(int(rate * len(falling)), 1) - 1]


def run_cascade(F, stages):
    accepted, looked = np.ones(len(F), dtype=bool), np.zeros(len(F), dtype=int)
    for stage in stages:
        looked[accepted] += len(stage["stumps"])
        accepted[accepted] = stage_score(F[accepted], stage) >= stage["threshold"]
    return accepted, looked
