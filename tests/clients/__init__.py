"""Clients nobody here wrote, against the started server."""
