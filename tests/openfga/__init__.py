"""OpenFGA's HTTP API: its own query matrix, embedded and served, and the API field by field."""
