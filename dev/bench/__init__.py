"""What the app costs on this machine: latency, CPU, start and memory, beside the bare work. Prints, never judges."""
