# ---
# kind: mistake
# title: "moves down instead of to the right"
# scores: {shift-curve: 0}
# ---

# %% shift-curve
def shift_curve(x, shifts, kernel):
    def respond(picture):
        return F.max_pool2d(torch.tensor(picture)[None], kernel).numpy().ravel()

    height = x.shape[0]
    tall = np.pad(x, ((99, 99), (0, 0)))
    a = respond(x)
    curve = []
    for shift in shifts:
        b = respond(tall[99 - shift : 99 + height - shift])
        curve.append(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
    return curve
