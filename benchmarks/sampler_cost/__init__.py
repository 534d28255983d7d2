"""What samples cost, and whether cheaper ones are as good."""
