"""Solutions whose steps somebody has rated, read from the formats that they are published in."""
