"""Storage of whole files that are created once and never changed: a folder, or a cloud bucket."""
