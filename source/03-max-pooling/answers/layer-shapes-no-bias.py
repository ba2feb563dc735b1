# ---
# kind: mistake
# title: "forgets the biases"
# scores: {layer-shapes: 5}
# ---

# %% layer-shapes
def layer_shapes(shape, layers):
    channels, height, width = shape
    shapes, parameters = [], []
    for kind, *numbers in layers:
        if kind == "conv":
            out, kernel, padding = numbers
            parameters.append(out * (channels * kernel**2))
            grow = 2 * padding - kernel + 1
            channels, height, width = out, height + grow, width + grow
        elif kind == "pool":
            kernel, stride = numbers
            parameters.append(0)
            height, width = (height - kernel) // stride + 1, (width - kernel) // stride + 1
        else:
            parameters.append(numbers[0] * (channels * height * width))
            channels, height, width = numbers[0], 1, 1
        shapes.append((channels, height, width))
    return shapes, parameters
