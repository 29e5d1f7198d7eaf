"""What visitors saw and did, as far as they agreed, and the proof that they did."""
