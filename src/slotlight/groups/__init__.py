"""Objects of a whole folder → groups that look alike, which a person names."""
