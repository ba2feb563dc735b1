# ---
# kind: mistake
# title: "np.roll lets in on the left what leaves on the right"
# scores: {shift-curve: 0}
# ---

# %% shift-curve
def shift_curve(x, shifts, kernel):
    def respond(picture):
        return F.max_pool2d(torch.tensor(picture)[None], kernel).numpy().ravel()

    a = respond(x)
    curve = []
    for shift in shifts:
        b = respond(np.roll(x, shift, axis=1))
        curve.append(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
    return curve
