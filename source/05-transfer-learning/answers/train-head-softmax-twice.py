# ---
# kind: mistake
# title: hands probabilities to cross_entropy
# scores: {train-head: 3}
# ---

# %% train-head
def train_head(features, labels, n_classes, decay, lr, steps):
    W = torch.zeros(n_classes, features.shape[1], requires_grad=True)
    b = torch.zeros(n_classes, requires_grad=True)
    optimizer = torch.optim.SGD([W, b], lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy((features @ W.T + b).softmax(dim=1), labels) + decay * (W**2).sum()
        loss.backward()
        optimizer.step()
    return W.detach(), b.detach()
