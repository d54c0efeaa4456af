"""Networks the families are built from, of operations that export and quantise well."""
