"""Real servers for the tests: an Apache Kafka broker that a test may kill, and the choice of which broker to run on."""
