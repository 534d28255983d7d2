"""How the shipped models were trained; nothing else imports it but the command line."""
