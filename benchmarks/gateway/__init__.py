"""What stands around the gateway while it is measured: an upstream, a relay that only copies, nginx."""
