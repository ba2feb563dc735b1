# ---
# kind: mistake
# title: "sums the penalty over all parameters, the bias among them"
# scores: {train-linear: 0}
# ---

# %% train-linear
def train_linear(X, y, lam, penalty="l2"):
    if penalty not in ("l1", "l2"):
        raise ValueError(penalty)
    model = torch.nn.Linear(X.shape[1], 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(200):
        optimizer.zero_grad()
        loss = torch.mean((model(X).squeeze(1) - y) ** 2)
        for p in model.parameters():
            loss = loss + lam * (p.abs().sum() if penalty == "l1" else p.square().sum())
        loss.backward()
        optimizer.step()
    return model.weight.detach().squeeze(0), model.bias.detach().squeeze(0)
