"""Configuration: the types document themselves and generate the sample, the reference and the schema."""
