"""Real servers for tests, each on a free port of 127.0.0.1, stopped by the process id that was started."""
