"""Training of model folders for the pipeline exatrkx; see scripts/train-exatrkx."""
