"""What becomes of a refused write: draft, patch, commit on a branch of the service's repository."""
