"""What programs do in a simulator: episodes in, verdicts out, and how good the verdicts are."""
