"""The JSON API of the inspector: the queries of its pages, for programs."""
