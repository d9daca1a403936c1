"""From corpora to weights: SFT, DPO, a step scorer, and the statistics that compare what came out."""
