"""Strips of ECG, the kind `ecg-strips`: from MIT-BIH, other annotated WFDB records, or simulated."""
