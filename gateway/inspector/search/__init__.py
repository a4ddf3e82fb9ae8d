"""The search index: in which granules of the journal an id or a name occurs."""
