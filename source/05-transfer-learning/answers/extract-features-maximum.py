# ---
# kind: mistake
# title: takes the maximum over places
# scores: {extract-features: 3}
# ---

# %% extract-features
def extract_features(model, inputs, batch_size):
    model.eval()
    with torch.no_grad():
        return torch.cat([model(batch).amax(dim=(2, 3)) for batch in inputs.split(batch_size)])
