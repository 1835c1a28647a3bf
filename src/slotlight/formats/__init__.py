"""Objects → annotation formats of other tools; one file a format."""
