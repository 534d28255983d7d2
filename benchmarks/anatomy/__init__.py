"""Our models beside peers on people that no training has seen, by anatomy."""
