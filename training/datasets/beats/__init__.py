"""Heart beats, the kind `ecg-beats`: from MIT-BIH, or simulated."""
