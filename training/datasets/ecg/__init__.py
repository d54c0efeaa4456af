"""What beats, strips and bedside windows share of the ECG: classes of beats, the MIT-BIH database, a heart's model."""
