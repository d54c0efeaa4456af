"""Other people's generators: how a user describes one, and how it becomes a teacher.

Only `edgeward import` runs their code.
"""
