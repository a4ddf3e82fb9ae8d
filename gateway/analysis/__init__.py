"""Events of the journal for people who analyse them: as a table for SQL, and as files."""
