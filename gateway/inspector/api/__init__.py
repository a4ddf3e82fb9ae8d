"""The JSON API of the inspector: the questions of its pages, for programs."""
