"""What was sold: never edited, only amended by further facts."""
