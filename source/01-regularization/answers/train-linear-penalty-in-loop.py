# ---
# kind: mistake
# title: "adds the growing penalty to the loss inside the loop: weights count twice"
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
        size = 0
        for p in model.parameters():
            size = size + (p.abs().sum() if penalty == "l1" else p.square().sum())
            loss = loss + lam * size
        loss.backward()
        optimizer.step()
    return model.weight.detach().squeeze(0), model.bias.detach().squeeze(0)
