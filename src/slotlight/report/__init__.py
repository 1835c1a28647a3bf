"""An evaluation as a page, as Markdown, in a terminal."""
