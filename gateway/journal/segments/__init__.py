"""The embedded journal: a log in files, with one partition per worker."""
