"""What is kept of people and products, beside the journal: the User API's and the Product API's data."""
