"""What graphclust says when it cannot take a graph, and when it had to change one."""


class GraphError(ValueError):
    """The graph cannot be used as given; the message names what was found and what is accepted."""


class GraphWarning(UserWarning):
    """Something in the input was changed or ignored; the message says what and how much of it."""
