"""Where rows land. The contract is in ``contract``; PostgreSQL and a twin in memory keep it."""
