"""What learns from labels, for the arms of a study that are marked as supervised; nothing else imports this folder."""
