"""The commands `gateway journal …`, which look at a journal and never change it."""
