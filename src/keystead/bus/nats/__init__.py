"""What the NATS driver is made of: keys, its kind of JWT, the server's configuration, admission, and hanging up."""
