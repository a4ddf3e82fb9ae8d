"""The search index: which granules of the journal contain an id or a name."""
