"""One experiment in, one run out: what to train, how, and what came out."""

PRECISIONS = ("auto", "fp32", "bf16")  # what may be asked for; auto is bf16 where the device computes it natively
