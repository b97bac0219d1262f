"""The comparison with other libraries: benches/run.sh."""
