"""From vectors or graphs to clusters: the steps that several methods end with."""
