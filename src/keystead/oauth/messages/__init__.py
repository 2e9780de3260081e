"""One file per kind of message that is made when it is sent: see `keystead.oauth.message`."""
