"""The sub-commands, one file each: options in, one library call, a readable answer out."""
