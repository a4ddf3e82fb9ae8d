"""Detection of duplicates: events whose source and messageId the journal already has."""
