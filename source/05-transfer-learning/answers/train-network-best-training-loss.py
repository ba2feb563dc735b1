# ---
# kind: mistake
# title: keeps the state with the smallest training loss
# scores: {train-network: 10}
# ---

# %% train-network
def train_network(model, train, val, mode, steps, lr):
    if mode not in ("transfer", "finetune", "scratch"):
        raise ValueError(mode)
    learning = model.head if mode == "transfer" else model
    optimizer = torch.optim.SGD(learning.parameters(), lr=lr)
    val_loss, best = [], np.inf
    for _ in range(steps):
        model.train(mode == "scratch")
        optimizer.zero_grad()
        F.cross_entropy(model(train[0]), train[1]).backward()
        optimizer.step()
        model.eval()
        with torch.no_grad():
            val_loss.append(F.cross_entropy(model(val[0]), val[1]).item())
        with torch.no_grad():
            loss = F.cross_entropy(model(train[0]), train[1]).item()
        if loss < best:
            best, state = loss, deepcopy(model.state_dict())
    return {"state": state, "val_loss": val_loss}
