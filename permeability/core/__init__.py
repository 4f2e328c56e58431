"""What every room stands on: refusals, units, uncertain numbers, long tasks, memory."""
