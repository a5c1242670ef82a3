"""How clients authenticate, by method."""
