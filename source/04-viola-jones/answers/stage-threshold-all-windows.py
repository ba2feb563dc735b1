# ---
# kind: mistake
# title: "looks at the scores of all windows, not of faces only"
# scores: {cascade: 6}
# ---

# %% cascade
def stage_threshold(scores, is_face, rate):
    falling = np.sort(scores)[::-1]
    share = np.arange(1, len(falling) + 1) / len(falling)
    return falling[np.argmax(share >= rate)]


def run_cascade(F, stages):
    accepted, looked = np.ones(len(F), dtype=bool), np.zeros(len(F), dtype=int)
    for stage in stages:
        looked[accepted] += len(stage["stumps"])
        accepted[accepted] = stage_score(F[accepted], stage) >= stage["threshold"]
    return accepted, looked
