"""The search index: in which stretches of the journal an id or a name occurs."""
