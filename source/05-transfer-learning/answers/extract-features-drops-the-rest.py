# ---
# kind: mistake
# title: "leaves out the last, smaller batch"
# scores: {extract-features: 0}
# ---

# %% extract-features
def extract_features(model, inputs, batch_size):
    model.eval()
    rows = []
    with torch.no_grad():
        for k in range(len(inputs) // batch_size):
            rows.append(model(inputs[k * batch_size : (k + 1) * batch_size]).mean(dim=(2, 3)))
    return torch.cat(rows)
