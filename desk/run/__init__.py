"""When things run: loops, processes, schedules."""
