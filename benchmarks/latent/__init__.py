"""What parts of a latent model do, measured."""
