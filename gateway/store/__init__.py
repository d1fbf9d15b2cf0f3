"""SQL stands here and nowhere else."""
