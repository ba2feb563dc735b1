# ---
# kind: mistake
# title: never calls model.eval()
# scores: {extract-features: 3}
# ---

# %% extract-features
def extract_features(model, inputs, batch_size):
    with torch.no_grad():
        return torch.cat([model(batch).mean(dim=(2, 3)) for batch in inputs.split(batch_size)])
