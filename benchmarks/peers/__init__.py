"""Peers, run as they come, in their fastest configuration."""
