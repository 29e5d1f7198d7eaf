"""What arrives where by when: the estimate that pages show and orders keep."""
