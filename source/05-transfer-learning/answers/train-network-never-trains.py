# ---
# kind: mistake
# title: "training mode is never reached: the mode is compared with another word"
# scores: {train-network: 5}
# ---

# %% train-network
def train_network(model, train, val, mode, steps, lr):
    if mode not in ("transfer", "finetune", "scratch"):
        raise ValueError(mode)
    learning = model.head if mode == "transfer" else model
    optimizer = torch.optim.SGD(learning.parameters(), lr=lr)
    val_loss, best = [], np.inf
    for _ in range(steps):
        if mode == "training":
            model.train()
        else:
            model.eval()
        optimizer.zero_grad()
        F.cross_entropy(model(train[0]), train[1]).backward()
        optimizer.step()
        model.eval()
        with torch.no_grad():
            val_loss.append(F.cross_entropy(model(val[0]), val[1]).item())
        if val_loss[-1] < best:
            best, state = val_loss[-1], deepcopy(model.state_dict())
    return {"state": state, "val_loss": val_loss}
