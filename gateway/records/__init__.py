"""Records of people and products: the data of the User API and the Product API."""
