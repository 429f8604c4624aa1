"""Builders of end-to-end models: each saves a SavedModel in a folder and says what to ask of it."""

BUILDERS = {}


def model(builder):
    """Lists a builder under its own name."""
    BUILDERS[builder.__name__] = builder
    return builder
