# ---
# kind: mistake
# title: "divides by the square of the first length"
# scores: {shift-curve: 0}
# ---

# %% shift-curve
def shift_curve(x, shifts, kernel):
    def respond(picture):
        return F.max_pool2d(torch.tensor(picture)[None], kernel).numpy().ravel()

    width = x.shape[1]
    wide = np.pad(x, ((0, 0), (width, width)))
    a = respond(x)
    curve = []
    for shift in shifts:
        b = respond(wide[:, width - shift : 2 * width - shift])
        curve.append(a @ b / (a @ a))
    return curve
