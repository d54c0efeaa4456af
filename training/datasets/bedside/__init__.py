"""Windows of a bedside monitor, the kinds `bedside-windows` and `bedside-windows-abp`: from BIDMC, or simulated."""
