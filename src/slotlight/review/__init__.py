"""What `slotlight discover` found → what a person says of it."""
