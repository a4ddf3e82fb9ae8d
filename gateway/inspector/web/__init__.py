"""The inspector's pages, which show the gateway to people: rendered here, and readable without scripts."""
