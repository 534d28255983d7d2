"""How far trainings have come that are under way, on people that they never see."""
