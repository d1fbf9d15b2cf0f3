"""The words of Glassgate as plain frozen values; imported by every room, importing none."""
