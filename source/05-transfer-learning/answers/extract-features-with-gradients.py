# ---
# kind: mistake
# title: forgets torch.no_grad()
# scores: {extract-features: 5}
# ---

# %% extract-features
def extract_features(model, inputs, batch_size):
    model.eval()
    return torch.cat([model(batch).mean(dim=(2, 3)) for batch in inputs.split(batch_size)])
