# ---
# kind: mistake
# title: "a solution with zeros (QR with pivoting), not the shortest"
# scores: {least-squares: 3}
# ---

# %% least-squares
def least_squares(X, y):
    import scipy.linalg

    Q, R, order = scipy.linalg.qr(X, mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(R))
    rank = int((diagonal > 1e-10 * diagonal[0]).sum())
    w = np.zeros(X.shape[1])
    w[order[:rank]] = scipy.linalg.solve_triangular(R[:rank, :rank], Q[:, :rank].T @ y)
    return w
