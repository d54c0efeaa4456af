"""`python -m edgeward` is the `edgeward` command."""

from .cli import main

main()
