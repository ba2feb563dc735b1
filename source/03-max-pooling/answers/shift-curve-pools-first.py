# ---
# kind: mistake
# title: "pools first and moves the pooled map"
# scores: {shift-curve: 4}
# ---

# %% shift-curve
def shift_curve(x, shifts, kernel):
    pooled = F.max_pool2d(torch.tensor(x)[None], kernel)[0].numpy()
    width = pooled.shape[1]
    wide = np.pad(pooled, ((0, 0), (99, 99)))
    curve = []
    for shift in shifts:
        moved = wide[:, 99 - shift : 99 - shift + width]
        size = np.linalg.norm(pooled) * np.linalg.norm(moved)
        curve.append((pooled * moved).sum() / size if size > 0 else 0.0)
    return curve
