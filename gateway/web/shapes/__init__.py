"""What goes over the wire, one file a subject; the CLI reads the same types."""
