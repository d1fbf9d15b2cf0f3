"""What happened: recordings of sessions, the ledger over them, and the proof that nothing was altered."""
