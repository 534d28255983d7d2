"""What a wrong σ costs."""
