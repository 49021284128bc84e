"""What data is: messages, rows, reasons and SQL. Decides nothing, opens nothing."""
