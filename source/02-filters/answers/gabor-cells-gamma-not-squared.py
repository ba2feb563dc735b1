# ---
# kind: mistake
# title: forgets to square gamma
# scores: {gabor-cells: 6}
# ---

# %% gabor-cells
def gabor_kernel(size, wavelength, theta, phase, sigma, gamma):
    half = size // 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    theta, phase = np.radians(theta), np.radians(phase)
    u = x * np.cos(theta) + y * np.sin(theta)
    v = -x * np.sin(theta) + y * np.cos(theta)
    window = np.exp(-(u**2 + gamma * v**2) / (2 * sigma**2))
    return window * np.cos(2 * np.pi * u / wavelength + phase)


def cell_responses(stimuli, even, odd):
    r0 = (np.array(stimuli) * even).sum(axis=(1, 2))
    r90 = (np.array(stimuli) * odd).sum(axis=(1, 2))
    return np.maximum(r0, 0), np.sqrt(r0**2 + r90**2)
