"""The commands `gateway journal …`, which read a journal and never change it."""
