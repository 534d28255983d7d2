"""Training, as of the shipped models; nothing else imports it but the command line."""
