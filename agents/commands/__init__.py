"""What the commands do, one module each; ``agents.cli`` holds their options and help."""
