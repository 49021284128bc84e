"""Where the world enters: Kafka through Faust, the environment, metrics, the command line."""
