"""What two or more neural methods share."""
