"""What nobody should send, and the laws that hold for it all the same: for Hypothesis, the fuzzer and the long run."""
