# ---
# kind: mistake
# title: 'OpenCV''s kernel, which is turned over'
# scores: {gabor-cells: 6}
# ---

# %% gabor-cells
def gabor_kernel(size, wavelength, theta, phase, sigma, gamma):
    theta, phase = np.radians(theta), np.radians(phase)
    return cv2.getGaborKernel((size, size), sigma, theta, wavelength, gamma, phase)


def cell_responses(stimuli, even, odd):
    r0 = (np.array(stimuli) * even).sum(axis=(1, 2))
    r90 = (np.array(stimuli) * odd).sum(axis=(1, 2))
    return np.maximum(r0, 0), np.sqrt(r0**2 + r90**2)
