"""What the attack matrices share: one realm with every kind of thing in it, every handle, every door."""
