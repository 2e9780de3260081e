"""Every parser of untrusted input, fed with what nobody means well: it answers or refuses, and quickly."""
