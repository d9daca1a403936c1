"""Plants faults of known kinds at known places into right solutions, after CriticGPT (McAleese et al. 2024)."""
