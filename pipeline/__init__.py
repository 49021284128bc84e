"""What we decide: pure rules from events to rows, without clock, input or output."""
