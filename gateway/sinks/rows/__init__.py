"""Rows of tables: the columns that every sink with a table has, and the views on them."""
