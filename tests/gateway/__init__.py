"""The gateway before real sockets: raw bytes in, raw bytes out, a real upstream behind."""
