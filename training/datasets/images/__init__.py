"""Medical images, the kind `images`: from npz files in MedMNIST's layout, or simulated."""
