"""What a command line does: read strictly, judged by a catalogue, put down again in one canonical form."""
