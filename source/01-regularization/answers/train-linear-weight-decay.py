# ---
# kind: mistake
# title: "L2 by the optimiser's weight_decay: half the strength, and the bias shrinks"
# scores: {train-linear: 4}
# ---

# %% train-linear
def train_linear(X, y, lam, penalty="l2"):
    if penalty not in ("l1", "l2"):
        raise ValueError(penalty)
    model = torch.nn.Linear(X.shape[1], 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=lam if penalty == "l2" else 0)
    for _ in range(200):
        optimizer.zero_grad()
        loss = torch.mean((model(X).squeeze(1) - y) ** 2)
        if penalty == "l1":
            loss = loss + lam * model.weight.abs().sum()
        loss.backward()
        optimizer.step()
    return model.weight.detach().squeeze(0), model.bias.detach().squeeze(0)
