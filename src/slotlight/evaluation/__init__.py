"""Named protocols; models × protocols × seeds → tables with floors, intervals and tests."""
