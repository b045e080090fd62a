"""Arrays and tensors in, arrays and tensors out. Nothing here knows a graph object."""
