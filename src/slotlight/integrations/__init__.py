"""Functions that labelling tools call: each module imports the tool that it is for, and only that."""
