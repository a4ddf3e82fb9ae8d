"""What the sink `bigquery` needs to know of Google Cloud."""
