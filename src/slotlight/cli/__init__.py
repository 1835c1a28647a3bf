"""The commands, one file each; torch is imported inside them."""
