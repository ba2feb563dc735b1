# ---
# kind: mistake
# title: "windows stand 1 apart"
# scores: {shift-curve: 4}
# ---

# %% shift-curve
def shift_curve(x, shifts, kernel):
    def respond(picture):
        return F.max_pool2d(torch.tensor(picture)[None], kernel, 1).numpy().ravel()

    width = x.shape[1]
    wide = np.pad(x, ((0, 0), (width, width)))
    a = respond(x)
    curve = []
    for shift in shifts:
        b = respond(wide[:, width - shift : 2 * width - shift])
        curve.append(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
    return curve
