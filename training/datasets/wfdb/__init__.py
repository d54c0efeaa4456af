"""WFDB records, read by code that trusts nothing in them: header, signals, annotations, whose they are."""
