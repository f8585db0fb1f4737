"""From what models saw to what is written: calibration, fusion, names, thresholds. Pure functions."""
