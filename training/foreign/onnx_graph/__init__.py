"""ONNX files of other people: read as hostile, and rewritten as steps that a checkpoint may hold.

Nobody's code runs: a table translates each operator into layers and functions of `training.networks.operators`.
"""
