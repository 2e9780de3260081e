"""The pages of a store, each a plug-in in a file of its own."""
