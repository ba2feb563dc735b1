# ---
# kind: mistake
# title: "a window that failed early comes back if the last stage likes it"
# scores: {cascade: 4}
# ---

# %% cascade
def stage_threshold(scores, is_face, rate):
    falling = np.sort(scores[is_face])[::-1]
    share = np.arange(1, len(falling) + 1) / len(falling)
    return falling[np.argmax(share >= rate)]


def run_cascade(F, stages):
    accepted, looked = np.ones(len(F), dtype=bool), np.zeros(len(F), dtype=int)
    for stage in stages:
        looked[accepted] += len(stage["stumps"])
        accepted = stage_score(F, stage) >= stage["threshold"]
    return accepted, looked
