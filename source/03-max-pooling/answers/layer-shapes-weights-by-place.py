# ---
# kind: mistake
# title: "counts the numbers of the output as parameters"
# scores: {layer-shapes: 5}
# ---

# %% layer-shapes
def layer_shapes(shape, layers):
    channels, height, width = shape
    shapes, parameters = [], []
    for kind, *numbers in layers:
        if kind == "conv":
            out, kernel, padding = numbers
            parameters.append(out * (channels * kernel**2 + 1))
            grow = 2 * padding - kernel + 1
            channels, height, width = out, height + grow, width + grow
            parameters[-1] = channels * height * width
        elif kind == "pool":
            kernel, stride = numbers
            parameters.append(0)
            height, width = (height - kernel) // stride + 1, (width - kernel) // stride + 1
        else:
            parameters.append(numbers[0] * (channels * height * width + 1))
            channels, height, width = numbers[0], 1, 1
        shapes.append((channels, height, width))
    return shapes, parameters
