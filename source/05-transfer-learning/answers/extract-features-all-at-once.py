# ---
# kind: mistake
# title: hands over all pictures at once
# scores: {extract-features: 5}
# ---

# %% extract-features
def extract_features(model, inputs, batch_size):
    model.eval()
    with torch.no_grad():
        return model(inputs).mean(dim=(2, 3))
