"""What the sink `bigquery` needs to know about Google Cloud."""
