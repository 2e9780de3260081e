"""What Python allows at most: the same work without storage, on a bare server."""
