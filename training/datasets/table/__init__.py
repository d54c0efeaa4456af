"""Tables of patients, the kind `table`: from CSV or Parquet as described in TOML, or simulated."""
