"""Wire formats and connection life without sockets."""
