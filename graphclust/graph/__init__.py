"""Everything that makes, reads, changes or writes a graph."""
